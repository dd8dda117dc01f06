/** Answers an operator who asks what a call is, or ends it. */
import { subject } from '../../runtime/call-watch.ts'
import type { Mail } from '../../runtime/mail.ts'
import type { CallParts } from './host.ts'

type Inspect = Extract<Mail, { t: 'inspect' }>

/** A call, as an operator ends it: with an error for its client. */
interface Endable {
  giveUp(message: string): void
}

/** @param began when the run began, by the clock of the instance */
export async function inspectCall(
  call: Endable,
  { request, host: { instance } }: CallParts,
  { began }: { began: number },
  { to, from, end }: Inspect,
): Promise<void> {
  const { method, params } = request
  const { name } = subject(method, params)
  const runs = instance.clock.now() - began
  if (end !== undefined) call.giveUp(end)
  await instance.send({ t: 'inspected', to: from, from: to, method, ...(name !== undefined && { name }), runs })
}
