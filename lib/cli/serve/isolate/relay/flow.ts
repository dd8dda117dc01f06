/** How much is under way between two instances. More would fill the mailbox of the other one, which is emptied then. */

/** Characters. */
const MOST = 8 * 1024 * 1024

export class Flow {
  #underWay = 0

  has(characters: number): boolean {
    return this.#underWay + characters <= MOST
  }

  /** So many characters more (negative: fewer) are under way. */
  took(characters: number): void {
    this.#underWay += characters
  }
}
