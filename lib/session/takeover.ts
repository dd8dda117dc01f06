/** Taking over the call of an instance that died or shut down, or of one that was suspended and has its answer. */
import { randomId } from '../base/ids.ts'
import type { Caller } from '../runtime/caller.ts'
import { tokenOf } from '../runtime/name.ts'
import type { Owner } from '../store/store.ts'
import type { CallHost } from './call/host.ts'
import { EarlyMail } from './early-mail.ts'
import { relayTo } from './relay.ts'
import { giveBack, rerun } from './rerun.ts'
import type { Connection } from './stream/connection.ts'
import { GET_STREAM } from './stream/event-id.ts'

/**
 * Takes over a call whose stream `connection` holds. A claim belongs to this instance: it is seen through also where the
 * connection ends meanwhile. The second run has the auth of the client that waits, which is the same principal.
 */
export function takeOver(host: CallHost, caller: Caller, connection: Connection, stream: string, owner: Owner): void {
  const { instance } = host
  // Between the claim and the second run another connection would find this instance named, and no run.
  if (instance.takingOver.has(stream)) return
  // The run of this instance has failed, and the store is about to have its end.
  if (instance.isHere(owner) && instance.ending.has(stream)) return
  // The run may have begun since the connection found that there was none: this module is loaded in between.
  if (instance.isHere(owner) && instance.calls.has(tokenOf(owner))) return
  instance.takingOver.add(stream)
  const mail = new EarlyMail(instance, randomId(6))
  claim(host, caller, connection, stream, owner, mail)
    .catch((error) => {
      instance.report(error)
      // The claim may have been stored.
      giveBack(instance, connection.session.key, stream, mail)
    })
    .finally(() => {
      mail.end()
      instance.takingOver.delete(stream)
    })
}

async function claim(
  host: CallHost,
  caller: Caller,
  connection: Connection,
  stream: string,
  from: Owner,
  mail: EarlyMail,
) {
  const { instance } = host
  const { session, holder } = connection
  const store = await instance.attend()
  const { lapses } = instance.presence
  const taken = await store.claim(session.key, stream, from, instance.name(mail.token))
  if (taken.status === 'gone') return connection.finish()
  // Another instance has claimed the call, or it has ended or is suspended: log and store have how it goes on.
  if (taken.status !== 'ok') return connection.look()
  const relay =
    connection.stream === GET_STREAM
      ? (data: string, key: string) => relayTo(instance, session, caller, data, key)
      : undefined
  await rerun({ host, session, caller, stream, from, mail, lapses, holder, relay, taken })
}
