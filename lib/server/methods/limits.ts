/** The limits of a tool's calls. Loaded with the first call of a tool that has some. */
import { type Clock, systemClock, type Timer } from '../../base/clock.ts'
import { resultJson } from '../../base/to-json.ts'
import { RawJson, type Result } from '../../protocol/jsonrpc.ts'
import type { ClientChannel } from '../context/client-channel.ts'
import { toolError } from '../context/errors.ts'
import { withFault } from '../context/fault.ts'
import type { RegisteredTool } from '../registry/entries.ts'

/**
 * Calls a tool within its limits: beyond one the result is an error that names it.
 *
 * @param isInner a middleware gets the result first: its size is measured after that
 */
export function withinLimits(
  { definition: { name }, limits = {} }: RegisteredTool,
  channel: ClientChannel,
  work: () => Result | Promise<Result>,
  isInner: boolean,
): Result | Promise<Result> {
  const { timeout, maxResultBytes } = limits
  const result = timeout === undefined ? work() : withinTime(name, timeout, channel, work)
  if (isInner || maxResultBytes === undefined) return result
  if (!(result instanceof Promise)) return withinSize(name, maxResultBytes, result)
  return result.then((value) => withinSize(name, maxResultBytes, value))
}

/**
 * The result if its JSON has no more than `most` bytes, else an error.
 *
 * @returns the JSON, so that it is not written twice; results that are still to be read as objects, as they are
 * @throws NotJson
 */
export function withinSize(name: string, most: number, result: Result): Result {
  const text = result instanceof RawJson ? result.text : resultJson(result)
  const bytes = Buffer.byteLength(text)
  if (bytes > most) {
    const message = `The result of "${name}" has ${bytes} bytes of JSON, and its limit is ${most}.`
    return withFault(toolError(message), 'too_large', new RangeError(message))
  }
  if (result instanceof RawJson) return result
  const { isError, resultType, _meta } = result
  return isError === true || resultType !== undefined || _meta !== undefined ? result : new RawJson(text)
}

/** Handlers that are slow by themselves are ended; those that wait for their client have the deadlines of asks. */
function withinTime(
  name: string,
  ms: number,
  channel: ClientChannel,
  work: () => Result | Promise<Result>,
): Result | Promise<Result> {
  const limit = new TimeLimit(channel.clock ?? systemClock, ms)
  const onAsk = (answer: Promise<unknown>) => limit.pauseFor(answer)
  channel.onAsk = onAsk
  const result = work()
  if (!(result instanceof Promise)) return result
  return new Promise((resolve, reject) => {
    limit.start(() => {
      const message = `The tool "${name}" was not done within its limit of ${ms} ms.`
      channel.leave?.(result, new DOMException(message, 'TimeoutError'))
      resolve(withFault(toolError(message), 'timeout', new Error(message)))
    })
    // What comes after the limit finds this promise settled.
    result.then(resolve, reject)
    const end = () => limit.end()
    result.then(end, end)
  })
}

/** A timer that stands still while asks are open. */
class TimeLimit {
  readonly #clock: Clock
  /** ms that were left at {@link #since}. */
  #left: number
  #since: number
  #asks = 0
  #timer: Timer | undefined
  #expire: (() => void) | undefined
  #over = false

  constructor(clock: Clock, ms: number) {
    this.#clock = clock
    this.#left = ms
    this.#since = clock.now()
  }

  /** Calls `expire` when the time is over, of which a part has passed since this object was made. */
  start(expire: () => void): void {
    this.#expire = expire
    if (this.#asks === 0) this.#run()
  }

  pauseFor(answer: Promise<unknown>): void {
    if (this.#over) return
    if (this.#asks++ === 0) {
      this.#left -= this.#clock.now() - this.#since
      this.#timer?.cancel()
    }
    const resume = () => {
      if (--this.#asks > 0 || this.#over) return
      this.#since = this.#clock.now()
      if (this.#expire) this.#run()
    }
    answer.then(resume, resume)
  }

  end(): void {
    this.#over = true
    this.#timer?.cancel()
  }

  #run(): void {
    const left = this.#left - (this.#clock.now() - this.#since)
    this.#timer = this.#clock.after(Math.max(0, left), () => {
      this.#over = true
      this.#expire?.()
    })
  }
}
