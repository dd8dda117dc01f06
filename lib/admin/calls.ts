/** Calls as an operator sees them, and their end. What a call is, the instance says that runs it: the store does not keep that. */
import { type Clock, pause } from '../base/clock.ts'
import { randomId } from '../base/ids.ts'
import { Instance } from '../runtime/instance.ts'
import { type InspectedCall, type Mail, readMail } from '../runtime/mail.ts'
import { instanceOf } from '../runtime/name.ts'
import { endOrphan, endSuspended } from '../session/call/orphans.ts'
import { defaultsOf, SETTINGS, type SessionOptions } from '../settings.ts'
import type { StoredCall } from '../store/admin.ts'
import type { AdminStore, Owner, SessionKey, Store } from '../store/store.ts'
import { callKey } from './sessions.ts'
import { isKey, plain } from './text.ts'

/** How long the instances may take to answer, in ms. */
const PATIENCE = 5_000

/** The error that the client gets. */
const ENDED = 'An operator has ended this call.'

/**
 * Asks the runs of calls what they run. Missing are those whose instance is dead, does not answer, or is of a build before this
 * question, and calls that have ended meanwhile.
 *
 * @param end has each call end with this error for its client
 */
export async function inspectCalls(
  store: Store,
  owners: readonly Owner[],
  clock: Clock,
  end?: string,
): Promise<Map<Owner, InspectedCall>> {
  const found = new Map<Owner, InspectedCall>()
  const ids = [...new Set(owners.map(instanceOf))].filter((id) => id !== '')
  if (ids.length === 0) return found
  const signs = await store.alive(ids)
  const alive = new Set(ids.filter((_, i) => signs[i]))
  const asked = owners.filter((owner) => alive.has(instanceOf(owner)))
  if (asked.length === 0) return found
  // Mail to an id of this form is kept without a sign of life.
  const id = randomId(9)
  const from = `${id}:${randomId(6)}`
  let allCame = () => {}
  const all = new Promise<void>((resolve) => {
    allCame = resolve
  })
  const receiving = await store.receive(id, {
    mail(text) {
      const mail = readMail(text)
      if (mail?.t !== 'inspected' || mail.to !== from) return
      found.set(mail.from, inspected(mail))
      if (found.size === asked.length) allCame()
    },
    change() {},
    resumed() {},
  })
  try {
    const mails = asked.map((to): Mail => ({ t: 'inspect', to, from, ...(end !== undefined && { end }) }))
    await Promise.all(mails.map((mail) => store.send(instanceOf(mail.to), JSON.stringify(mail))))
    await Promise.race([all, pause(clock, PATIENCE)])
    return found
  } finally {
    await receiving.stop()
    await store.down(id)
  }
}

function inspected({ method, name, runs }: InspectedCall): InspectedCall {
  return { method: plain(method), ...(name !== undefined && { name: plain(name) }), runs }
}

/**
 * How a call was ended. ended: its client gets an error. orphan: nobody ran it, since its instance is gone or it waits for its client,
 * which gets an error when it comes back.
 * marked: its instance did not answer; the call is cancelled, and its instance finds that with its next look at the store. unknown: there
 * is no such call.
 */
export type CallEnding = 'ended' | 'orphan' | 'marked' | 'unknown'

/** Ends the call with this key. */
export async function endCall(
  store: Store,
  admin: AdminStore,
  key: string,
  clock: Clock,
  session: Partial<SessionOptions> = {},
): Promise<CallEnding> {
  const found = await findCall(admin, key)
  if (!found) return 'unknown'
  const { owner } = found.call
  const answered = await inspectCalls(store, [owner], clock, ENDED)
  if (answered.has(owner)) return 'ended'
  if (!(await isAlive(store, owner))) {
    await endAsInstance(store, found, clock, session)
    // Where a connection waits for the call, its instance takes it over.
    if (!(await findCall(admin, key))) return 'orphan'
  }
  const reply = await admin.cancelCall(found.session, found.call.stream)
  if (reply.status !== 'ok') return 'unknown'
  const mail: Mail = { t: 'cancel', to: reply.owner, reason: ENDED }
  if (reply.owner !== '') await store.send(instanceOf(reply.owner), JSON.stringify(mail))
  return 'marked'
}

async function isAlive(store: Store, owner: Owner): Promise<boolean> {
  const [alive = false] = owner === '' ? [] : await store.alive([instanceOf(owner)])
  return alive
}

async function findCall(
  admin: AdminStore,
  key: string,
): Promise<{ session: SessionKey; call: StoredCall } | undefined> {
  const [session = ''] = key.split('.')
  if (!isKey(session)) return undefined
  const [described] = await admin.describe([session])
  const call = described?.calls.find((one) => callKey(session, one) === key)
  return call && { session, call }
}

/** As an instance does that meets a call which nobody runs: it claims the call, and ends it with an error. */
async function endAsInstance(
  store: Store,
  { session, call: { id, stream } }: { session: SessionKey; call: StoredCall },
  clock: Clock,
  options: Partial<SessionOptions>,
): Promise<void> {
  const instance = new Instance(store, { ...defaultsOf(SETTINGS.session), ...options }, clock, () => {})
  try {
    await endSuspended(instance, session, stream, ENDED)
    await endOrphan(instance, session, id)
  } finally {
    await instance.stop()
  }
}
