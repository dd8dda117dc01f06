/** The end of a run that gets no more time, from its instance or its platform. */
import { features } from '../../protocol/revisions.ts'
import type { SessionChannel } from './channel.ts'
import type { CallParts } from './host.ts'
import type { CallState } from './state.ts'
import type { CallStream } from './stream.ts'

interface AbandonedCall {
  readonly state: CallState
  readonly over: boolean
  /** Makes the queue in front of the log, where there is none. */
  openQueue(): void
  release(why: string): void
  giveUp(message: string): void
}

/** The call is handed over, or ends with an error. `streamOf`: the part of it that others see, where it is made. */
export async function abandon(
  call: AbandonedCall,
  streamOf: () => CallStream | undefined,
  channel: SessionChannel,
  { carrier, continued, host, request, session }: CallParts,
  why: string,
): Promise<void> {
  // A later run would repeat what is under way.
  if (channel.leg) await channel.leg.quiet(host.instance.options.drainTimeout)
  if (call.over) return
  const mayPause = features(session.revision).streamsMayPause
  const repeatable = channel.isDurable || host.durability(request) !== 'none'
  // A call that has sent nothing goes on elsewhere too: its client gets a stream for that. A run that has taken the call over has its
  // log all the same.
  if (call.state.at === 'registered' && (continued || (repeatable && mayPause && carrier.streams))) call.openQueue()
  const resumable = streamOf()?.resumable || mayPause
  if (call.state.at === 'streaming' && resumable && repeatable) {
    await streamOf()?.settled()
    call.release(why)
    if (call.over) return
  }
  call.giveUp(why)
  await streamOf()?.outbox?.flushed()
}
