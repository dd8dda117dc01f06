/** The heartbeat of a registered call: the store may have what mail lost. */

import type { SessionChannel } from './channel.ts'
import type { CallParts } from './host.ts'
import type { CallState, Ending } from './state.ts'
import type { CallStream } from './stream.ts'

interface BeatenCall {
  readonly over: boolean
  readonly state: CallState
  interrupt(ending: Ending): void
  cancel(): void
}

/** It never rejects. */
export async function beat(
  call: BeatenCall,
  stream: CallStream,
  channel: SessionChannel,
  { caller, host }: CallParts,
): Promise<void> {
  caller.quota?.registered(stream.owner)
  await stream
    .look(channel.openAsks)
    .then((look) => {
      // Once the last message is on its way, the store forgets the call with it, while its reply may be late and its messages may still
      // be relayed (HTTP+SSE). What a look finds means nothing then.
      if (call.over || call.state.at === 'ending' || stream.outbox?.ending) return
      // The reply to the suspension says how the run ends: until then a look may find that nobody runs the call.
      if (call.state.at === 'suspending') return
      if (look.status !== 'ok') return call.interrupt(look.status)
      if (look.cancelled) return call.cancel()
      channel.setLevel(look.level)
      for (const [ask, value] of look.answers) channel.receiveAnswer(ask, value)
    })
    .catch((error) => host.instance.report(error))
}
