/** The members and items of one value that a schema and the schemas beside it have checked (`unevaluatedProperties`). */
export class Evaluated {
  allNames = false
  allItems = false
  /** Items before this position are checked. */
  items = 0
  readonly names = new Set<string>()
  /** Single items, which `contains` matched. */
  readonly matched = new Set<number>()

  hasName(name: string): boolean {
    return this.allNames || this.names.has(name)
  }

  hasItem(index: number): boolean {
    return this.allItems || index < this.items || this.matched.has(index)
  }

  add(other: Evaluated): void {
    this.allNames ||= other.allNames
    this.allItems ||= other.allItems
    this.items = Math.max(this.items, other.items)
    for (const name of other.names) this.names.add(name)
    for (const index of other.matched) this.matched.add(index)
  }
}
