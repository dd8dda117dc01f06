/** The end of a run that gets no more time, from its instance or its platform. */
import { features } from '../../protocol/revisions.ts'
import type { SessionChannel } from './channel.ts'
import { type CallParts, mayPause } from './host.ts'
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
  parts: CallParts,
  why: string,
): Promise<void> {
  const { continued, host, request, session } = parts
  // A later run would repeat what is under way.
  if (channel.leg) await channel.leg.quiet(host.instance.options.drainTimeout)
  if (call.over) return
  const runsAgain = channel.isDurable || host.durability(request) !== 'none'
  // A run that has taken the call over, and has sent nothing, has its log all the same. Any other one may begin its stream now.
  if (call.state.at === 'registered' && (continued || (runsAgain && mayPause(parts)))) call.openQueue()
  const resumable = streamOf()?.resumable || features(session.revision).streamsMayPause
  if (call.state.at === 'streaming' && resumable && runsAgain) {
    await streamOf()?.settled()
    call.release(why)
    if (call.over) return
  }
  call.giveUp(why)
  await streamOf()?.outbox?.flushed()
}
