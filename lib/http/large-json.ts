/** Large JSON responses wait in the socket for a slow reader, where no stream of this endpoint counts them. */
import type { ServerResponse } from 'node:http'
import { tooMuchOutput } from '../runtime/refusals.ts'
import type { Output, WaitingOutput } from '../runtime/waiting-output.ts'
import type { HttpRequest } from './request.ts'

/** Characters of a body that is counted. */
const LARGE = 64 * 1024

/**
 * Counts a JSON body until its response is closed, on platforms where that can be seen.
 * @throws Refusal 503 where it has to make room for others before anything of it is sent
 */
export function countJson(c: HttpRequest, body: string, client: string | undefined, output: WaitingOutput): void {
  if (body.length >= LARGE) countLarge(c, body, client, output)
}

/** A function of its own: one that holds a function allocates in each call, also where that is not made. */
function countLarge(c: HttpRequest, body: string, client: string | undefined, output: WaitingOutput): void {
  const { outgoing } = (c.env ?? {}) as { outgoing?: ServerResponse }
  if (!outgoing || outgoing.closed) return
  let isCounted = false
  const one: Output = {
    client,
    // Node has not taken the body before the response is written.
    waiting: () => (outgoing.writableEnded ? outgoing.writableLength : body.length),
    cut: () => {
      if (isCounted) outgoing.destroy()
    },
  }
  if (!output.report(one, body.length)) throw tooMuchOutput(body.length)
  isCounted = true
  outgoing.once('close', () => output.remove(one))
}
