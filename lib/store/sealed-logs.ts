/** The logs of a sealed store. */
import { GET_STREAM, type SessionKey } from './names.ts'
import type { Store } from './store.ts'
import type { LogEntry } from './streams.ts'

interface Parts {
  seal(text: string, kind: 'log', ...place: string[]): string
  open(text: string | undefined, kind: 'log', ...place: string[]): string | undefined
}

export type OpenEntries = (key: SessionKey, stream: string, entries: LogEntry[]) => LogEntry[] | undefined

type SealedLogs = Pick<Store, 'take' | 'look' | 'readLog' | 'advance'> & { openEntries: OpenEntries }

export function sealedLogs(store: Store, { seal, open }: Parts): SealedLogs {
  const sealMessage = (key: SessionKey, text: string) => seal(text, 'log', key, GET_STREAM)

  /** Undefined if any of them does not open: a log with a hole is no log. An entry without text has no seal. */
  function openEntries(key: SessionKey, stream: string, entries: LogEntry[]): LogEntry[] | undefined {
    const opened = entries.flatMap((entry) => {
      const data = entry.data === '' ? '' : open(entry.data, 'log', key, stream)
      return data === undefined ? [] : { ...entry, data }
    })
    return opened.length === entries.length ? opened : undefined
  }

  return {
    openEntries,

    async take(key, stream, holder, after) {
      const reply = await store.take(key, stream, holder, after)
      if (reply.status !== 'ok') return reply
      const entries = openEntries(key, stream, reply.entries)
      return entries ? { ...reply, entries } : { status: 'trimmed' }
    },

    async look(key, stream, holder, after, lifetime, most) {
      const reply = await store.look(key, stream, holder, after, lifetime, most)
      if (reply.status !== 'ok') return reply
      const entries = openEntries(key, stream, reply.entries)
      // `take` reports the reason to a client that comes back.
      return entries ? { ...reply, entries } : { status: 'moved' }
    },

    readLog: async (key, stream) => openEntries(key, stream, await store.readLog(key, stream)) ?? [],

    async advance(key, advance) {
      const { messages, updates } = advance
      const reply = await store.advance(key, {
        ...advance,
        messages: messages.map((text) => sealMessage(key, text)),
        updates: updates.map((update) => ({ ...update, message: sealMessage(key, update.message) })),
      })
      if (reply.status !== 'ok') return reply
      return { ...reply, entries: openEntries(key, GET_STREAM, reply.entries) ?? [] }
    },
  }
}
