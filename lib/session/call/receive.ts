/** The mail to a call. */
import type { Mail } from '../../runtime/mail.ts'
import type { SessionChannel } from './channel.ts'
import type { CallParts } from './host.ts'
import { inspectCall } from './on-demand.ts'
import type { Ending } from './state.ts'

type Inspected = Parameters<typeof inspectCall>[0]

interface ReceivingCall extends Inspected {
  cancel(reason?: string): void
  interrupt(ending: Ending): void
}

export function receive(call: ReceivingCall, parts: CallParts, channel: SessionChannel, mail: Mail): void {
  if (mail.t === 'cancel') call.cancel(mail.reason)
  else if (mail.t === 'answer') channel.receiveAnswer(mail.ask, mail.value)
  else if (mail.t === 'level') channel.setLevel(mail.level)
  else if (mail.t === 'gone') call.interrupt('gone')
  else if (mail.t === 'inspect') void inspectCall(call, parts, channel, mail)
}
