/** A request that runs in a process, and the asks of the process while it runs. */
import type { JsonObject } from '../../../../protocol/jsonrpc.ts'
import type { Answer, Receiver } from './receiver.ts'

export interface Running {
  receiver: Receiver
  /** The progress token of the client. */
  token: unknown
  resolve(result: JsonObject): void
  reject(error: Error): void
  /** Called when the process has answered. */
  ended: (() => void)[]
}

/**
 * Asks the client of a request. A request that gets its response first did not wait for the answer: the ask belongs to no request
 * then, and goes on outside.
 *
 * @param running undefined: the ask belongs to no request
 * @param signal aborted where the process no longer waits for the answer
 */
export async function ask(
  running: Running | undefined,
  outside: Receiver,
  method: string,
  params: JsonObject | undefined,
  signal: AbortSignal,
): Promise<Answer> {
  if (!running) return outside.ask(method, params, signal)
  const ended = new AbortController()
  const answered = running.receiver.ask(method, params, AbortSignal.any([signal, ended.signal]))
  const isOver = new Promise<undefined>((resolve) => {
    running.ended.push(() => {
      ended.abort(new Error('The call has ended.'))
      resolve(undefined)
    })
  })
  return (await Promise.race([answered, isOver])) ?? outside.ask(method, params, signal)
}
