/** Reads the stream of one POST to its end, over as many connections as that takes. */
import type { Call, Session } from '../history.ts'
import type { Random } from '../random.ts'
import { Broken, type Message, type Reply } from './http.ts'
import type { Inbox } from './inbox.ts'
import { pause, settleOpen, type World } from './world.ts'

interface Stream {
  reply: Reply
  headers: Record<string, string>
  answer(call: Call, ask: string): void
  /** The newest event id, as others may read it. */
  position: { id: string | undefined }
  /** The client drops its first connection after so many messages. */
  drops: number | undefined
  random: Random
}

/** No client waits longer than this before it comes back, in ms, whatever `retry` says. */
const LONGEST_RETRY = 1_000

export async function resumeCalls(
  world: World,
  session: Session,
  inbox: Inbox,
  calls: readonly Call[],
  { reply: first, headers, answer, position, drops, random }: Stream,
): Promise<void> {
  const until = world.now() + world.limits.callPatience
  const open = () => calls.some(({ outcomes }) => outcomes.length === 0)
  let reply: Reply | undefined = first
  let left = drops ?? Number.POSITIVE_INFINITY
  for (;;) {
    let retry = 50
    try {
      if (reply) {
        for await (const event of reply.events()) {
          if (event.id !== undefined) position.id = event.id
          if (event.retry !== undefined) retry = event.retry
          if (!event.data) continue
          const ask = inbox.take(JSON.parse(event.data) as Message, calls)
          if (ask) answer(ask.call, ask.id)
          if (--left <= 0 && open()) {
            left = Number.POSITIVE_INFINITY
            retry = random.between(0, 1_500)
            reply.drop()
            break
          }
        }
      }
    } catch (error) {
      if (!(error instanceof Broken)) throw error
    }
    if (!open()) return
    const { id } = position
    if (id === undefined) {
      const cancelled = calls.every(({ cancel }) => cancel !== undefined)
      return settleOpen(world, calls, cancelled ? 'given up' : 'broken', {
        text: 'The stream ended without an event id.',
      })
    }
    if (world.now() > until) return settleOpen(world, calls, 'hung')
    await pause(Math.min(retry, LONGEST_RETRY))
    reply = undefined
    for (const call of calls) call.resumes++
    const sent = world.now()
    try {
      const got = await world.http.send({
        method: 'GET',
        headers: { ...headers, 'last-event-id': id },
        patience: world.silence,
      })
      if (got.status === 200) {
        reply = got
        continue
      }
      const text = await got.text()
      if (got.status === 405) return settleOpen(world, calls, 'ended', { status: 405 })
      if (got.status === 404) {
        session.lost ??= { at: world.now(), sent, what: 'resume' }
        return settleOpen(world, calls, 'gone', { status: 404 })
      }
      if (got.status !== 503) {
        session.odd.push({ at: world.now(), what: 'resume', status: got.status, text })
        return settleOpen(world, calls, 'refused', { status: got.status, text })
      }
    } catch (error) {
      if (!(error instanceof Broken)) throw error
    }
    await pause(250)
  }
}
