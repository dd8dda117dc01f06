/** How many runs may be parked in this instance, and how many of one client. */
import type { StatelessOptions } from '../../settings.ts'

export class ParkingBounds {
  readonly #max: number
  readonly #maxOfClient: number
  #runs = 0
  readonly #ofClients = new Map<string, number>()

  constructor({ maxParked, maxParkedPerPrincipal }: Pick<StatelessOptions, 'maxParked' | 'maxParkedPerPrincipal'>) {
    this.#max = maxParked
    this.#maxOfClient = maxParkedPerPrincipal
  }

  /**
   * Counts a run.
   *
   * @param client the name under which limits count it; undefined: it has none, and no share
   * @throws Error with one line where there are as many as there may be
   */
  enter(client: string | undefined): void {
    if (this.#runs >= this.#max) throw new Error(tooMany(`this instance has ${this.#max}`, 'maxParked', 'MAX_PARKED'))
    const own = client === undefined ? 0 : (this.#ofClients.get(client) ?? 0)
    if (own >= this.#maxOfClient) {
      const there = `this caller has ${this.#maxOfClient} here`
      throw new Error(tooMany(there, 'maxParkedPerPrincipal', 'MAX_PARKED_PER_PRINCIPAL'))
    }
    this.#runs++
    if (client !== undefined) this.#ofClients.set(client, own + 1)
  }

  leave(client: string | undefined): void {
    this.#runs--
    if (client === undefined) return
    const left = (this.#ofClients.get(client) ?? 0) - 1
    if (left > 0) this.#ofClients.set(client, left)
    else this.#ofClients.delete(client)
  }
}

function tooMany(there: string, option: string, variable: string): string {
  return (
    `The call cannot wait for its client: ${there} calls that wait, and may have no more (stateless.${option}, ${variable}). ` +
    'Try again when some have ended.'
  )
}
