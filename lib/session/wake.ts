/**
 * An answer to a suspended call: the step that stores it claims the call for this instance, and the call goes on within the request
 * that brought the answer. The request is acknowledged before.
 */
import { randomId } from '../base/ids.ts'
import { hasScopes } from '../protocol/auth-info.ts'
import type { Caller } from '../runtime/caller.ts'
import type { AnswerReply } from '../store/asks.ts'
import type { CallHost } from './call/host.ts'
import { EarlyMail } from './early-mail.ts'
import { giveBack, rerun } from './rerun.ts'
import { scopesOfStream } from './stream/event-id.ts'
import type { Session } from './stream/session.ts'

/** Stores an answer, and goes on with the call that it wakes. @throws StoreUnavailable */
export async function answerAndWake(
  host: CallHost,
  session: Session,
  caller: Caller,
  ask: string,
  value: string,
): Promise<AnswerReply> {
  const { instance } = host
  const mail = new EarlyMail(instance, randomId(6))
  const taker = instance.name(mail.token)
  let { lapses } = instance.presence
  const attend = async () => {
    await instance.attend()
    lapses = instance.presence.lapses
  }
  const answer = () => instance.store.answer(session.key, ask, value, taker, attend)
  const reply = await answer().catch((error) => {
    mail.end()
    // The store may have claimed the call. Only the same step says which.
    instance.retry.add(async () => {
      const late = await answer()
      if ('taken' in late && late.taken) giveBack(instance, session.key, late.taken.stream, mail)
    })
    throw error
  })
  const taken = 'taken' in reply ? reply.taken : undefined
  if (taken) void instance.track(wake({ host, session, caller, mail, lapses, taken, stream: taken.stream }))
  else mail.end()
  return reply
}

type Woken = Omit<Parameters<typeof rerun>[0], 'from' | 'holder' | 'relay'>

async function wake(woken: Woken): Promise<void> {
  const { host, session, caller, stream, mail } = woken
  const { instance } = host
  instance.takingOver.add(stream)
  try {
    // The call needs scopes that the token of the answer may lack: then it goes on with the next poll.
    const allowed = hasScopes(caller.auth, scopesOfStream(session, stream, host.scopes))
    if (!allowed || instance.draining) return giveBack(instance, session.key, stream, mail)
    await rerun({ ...woken, from: '', holder: undefined, relay: undefined })
  } catch (error) {
    giveBack(instance, session.key, stream, mail)
    throw error
  } finally {
    mail.end()
    instance.takingOver.delete(stream)
  }
}
