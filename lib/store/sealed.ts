/**
 * A store that seals every text: session records, data, handles, values, requests, messages, answers, mail.
 * A reader without the key sees digests, ids, times, log levels, and the names of resources that changed.
 *
 * Each text is bound to its key and its kind, so that an attacker who can write to the store cannot put one text in the
 * place of another. A text that does not open does not exist: the session is then unknown, the message was never kept.
 */
import { OnDemand, operationsOf } from '../base/on-demand.ts'
import { createSealer } from '../base/sealing.ts'
import type { SessionKey } from './names.ts'
import type { Store } from './store.ts'
import type { ValueKind } from './values.ts'

/**
 * How texts without a seal are treated. refuse: they do not exist. read: they are read, while sealing is being turned
 * on. write: they are read and written, and sealed texts are read: the step before.
 */
export type Unsealed = 'refuse' | 'read' | 'write'

/** The endpoint writes no text that begins like this: its texts are JSON, digests, or begin with a word. */
const MARK = 'sealed.1.'

type Kind =
  | 'record'
  | 'data'
  | 'request'
  | 'log'
  | 'answer'
  | 'once'
  | 'note'
  | 'mail'
  | 'instance'
  | 'task'
  | ValueKind

/**
 * Seals what goes into `store`. The first key of the ring seals, all of them open.
 *
 * @throws BadKey for an empty ring, TypeError for an unknown `unsealed`
 *
 * @example
 * const store = sealedStore(redisStore(process.env.REDIS_URL), readKeyRing(process.env.MCP_SECRET))
 */
export function sealedStore(store: Store, ring: readonly Uint8Array[], unsealed: Unsealed = 'refuse'): Store {
  if (!['refuse', 'read', 'write'].includes(unsealed)) throw new TypeError('unsealed must be refuse, read or write.')
  const sealer = createSealer(ring, 'store')
  const { admin, tasks } = store

  function seal(text: string, kind: Kind, ...place: string[]): string {
    return unsealed === 'write' ? text : MARK + sealer.seal(text, [kind, ...place].join('\n'))
  }
  function open(text: string | undefined, kind: Kind, ...place: string[]): string | undefined {
    if (text?.startsWith(MARK)) return sealer.open(text.slice(MARK.length), [kind, ...place].join('\n'))
    return unsealed === 'refuse' ? undefined : text
  }
  const sealMessage = (key: SessionKey, stream: string, text: string) => seal(text, 'log', key, stream)

  /** The members of the store that have no text to seal. */
  function plain<Name extends keyof Store>(...names: Name[]): Pick<Store, Name> {
    const members = names.map((name) => {
      const member: unknown = store[name]
      return [name, typeof member === 'function' ? member.bind(store) : member]
    })
    return Object.fromEntries(members) as Pick<Store, Name>
  }

  return {
    ...plain(
      'name',
      'leavesProcess',
      'nearlyFull',
      'ping',
      'close',
      'settled',
      'wake',
      'open',
      'serve',
      'answersAnew',
      'busSlots',
    ),
    ...plain(
      'deleteSession',
      'dateSession',
      'relieve',
      'setLevel',
      'subscribe',
      'unsubscribe',
      'subscriptions',
      'changePosition',
    ),
    ...plain('endCall', 'calls', 'countCalls', 'releaseCall', 'cancel', 'trim', 'release', 'replaceHolder'),
    ...plain('up', 'down', 'alive', 'publish', 'changesAfter', 'deleteValue', 'count', 'weigh', 'occupy'),

    admin: admin && (async () => (await import('./sealed-admin.ts')).sealedAdmin(await admin.call(store), seal, open)),
    tasks: tasks && (async () => (await import('./sealed-tasks.ts')).sealedTasks(await tasks.call(store), seal, open)),
    createSession: (key, record, lifetime, owner, most) =>
      store.createSession(key, seal(record, 'record', key), lifetime, owner, most),
    async readSession(key, lifetime, most) {
      const row = await store.readSession(key, lifetime, most)
      const record = open(row?.record, 'record', key)
      return row === undefined || record === undefined ? undefined : { ...row, record }
    },
    replaceRecord: (key, record) => store.replaceRecord(key, seal(record, 'record', key)),
    getData: async (key, name) => open(await store.getData(key, name), 'data', key, name),
    setData: (key, name, value) =>
      store.setData(key, name, value === undefined ? undefined : seal(value, 'data', key, name)),

    register: (key, registration) => store.register(key, sealRequest(key, registration)),
    append: (key, append) =>
      store.append(key, {
        ...append,
        messages: append.messages.map((text) => sealMessage(key, append.stream, text)),
        register: append.register && sealRequest(key, append.register),
      }),
    post: (key, stream, message, tag, id) => store.post(key, stream, sealMessage(key, stream, message), tag, id),
    ...operationsOf(
      new OnDemand(async () => (await import('./sealed-more.ts')).sealedMore(store, { seal, open, sealRequest })),
      {
        ...{ take: true, look: true, readLog: true, advance: true, lookCall: true },
        ...{ claim: true, answer: true, closeAsk: true, keep: true, suspend: true, poll: true },
      },
    ),

    send: (instance, message) => store.send(instance, seal(message, 'mail', instance)),
    receive: (instance, receiver) =>
      store.receive(instance, {
        mail: (text) => {
          // Mail that does not open is dropped. Any mail may be lost: the store has the truth.
          const message = open(text, 'mail', instance)
          if (message !== undefined) receiver.mail(message)
        },
        change: (entry) => receiver.change(entry),
        resumed: () => receiver.resumed(),
      }),

    getValue: async (kind, id, lifetime) => open(await store.getValue(kind, id, lifetime), kind, id),
    setValue: (kind, id, value, lifetime) => store.setValue(kind, id, seal(value, kind, id), lifetime),
    replaceValue: (kind, id, value, lifetime) => store.replaceValue(kind, id, seal(value, kind, id), lifetime),
    async addValue(kind, id, value, lifetime) {
      const reply = await store.addValue(kind, id, seal(value, kind, id), lifetime)
      if (reply.status === 'ok') return reply
      return { status: open(await store.getValue(kind, id), kind, id) === value ? 'ok' : 'taken' }
    },
  }

  function sealRequest<T extends { stream: string; request?: string | undefined }>(key: SessionKey, given: T): T {
    const { request, stream } = given
    return request === undefined ? given : { ...given, request: seal(request, 'request', key, stream) }
  }
}
