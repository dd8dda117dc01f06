/** Work that handlers leave to go on after their answer: `ctx.waitUntil`. */
import { asError } from '../base/errors.ts'
import type { JsonRpcRequest } from '../protocol/jsonrpc.ts'
import type { Instance } from './instance.ts'

/** Work that is not done. */
interface Left {
  /** The request whose handler left it, as the log names it. */
  name: string
  /** Nobody waits for it any more. */
  end(): void
}

/** Names in one line of the log. */
const MAX_NAMED = 10
/** Characters of a name. */
const MAX_NAME = 100

/** The endpoint has waited for work as long as it may. */
class WorkLeft extends Error {
  override readonly name = 'WorkLeft'

  constructor(left: readonly Left[], why: string) {
    const names = [...new Set(left.map(({ name }) => name))]
    const listed = names.slice(0, MAX_NAMED).join(', ')
    const more = names.length > MAX_NAMED ? ` and ${names.length - MAX_NAMED} others` : ''
    const works = left.length === 1 ? 'a promise' : `${left.length} promises`
    super(`ctx.waitUntil: ${works} of ${listed}${more} had not settled ${why}.`)
    this.stack = String(this)
  }
}

export class Afterwork {
  readonly #instance: Instance
  readonly #left = new Set<Left>()
  /** Why nothing waits any longer for what is left. */
  #closed: string | undefined

  constructor(instance: Instance) {
    this.#instance = instance
  }

  /**
   * Has the instance wait for `work`, as it waits for calls, for `waitUntilLimit` at most. Its failure is reported.
   *
   * @param settled called once, when the work has settled, also after that time
   */
  add(work: PromiseLike<unknown>, request: JsonRpcRequest, settled: () => void): void {
    const { clock, options } = this.#instance
    const { promise, resolve } = Promise.withResolvers<void>()
    const left: Left = {
      name: nameOf(request),
      end: () => {
        if (!this.#left.delete(left)) return
        timer.cancel()
        resolve()
      },
    }
    const limit = options.waitUntilLimit
    const timer = clock.after(limit, () =>
      this.#giveUp([left], `after ${limit / 1_000} s (session.waitUntilLimit), so nothing waits for it any longer`),
    )
    this.#left.add(left)
    void this.#instance.during(promise)
    const reported = Promise.resolve(work).catch((error: unknown) => this.#instance.report(asError(error)))
    void reported.then(() => {
      settled()
      left.end()
    })
    if (this.#closed !== undefined) this.#giveUp([left], this.#closed)
  }

  /** As {@link giveUp}, also for work that is left from now on: a handler that is aborted may leave some. */
  close(why: string): void {
    this.#closed = why
    this.giveUp(why)
  }

  /** Waits no longer for what is left, and reports its names. `why`: the end of a sentence. */
  giveUp(why: string): void {
    if (this.#left.size > 0) this.#giveUp([...this.#left], why)
  }

  #giveUp(left: readonly Left[], why: string): void {
    this.#instance.report(new WorkLeft(left, why))
    for (const each of left) each.end()
  }
}

function nameOf({ method, params }: JsonRpcRequest): string {
  const name = params?.name ?? params?.uri
  return typeof name === 'string' ? `${method} ${JSON.stringify(name.slice(0, MAX_NAME))}` : method
}
