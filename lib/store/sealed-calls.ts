/** The answers, the requests and the journals of a sealed store. */
import { type Journal, TIMED_OUT } from './journal.ts'
import type { SessionKey } from './names.ts'
import type { OpenEntries } from './sealed-logs.ts'
import type { Store } from './store.ts'

type Kind = 'log' | 'request' | 'answer' | 'once' | 'note'

interface Parts {
  seal(text: string, kind: Kind, ...place: string[]): string
  open(text: string | undefined, kind: Kind, ...place: string[]): string | undefined
  sealRequest<T extends { stream: string; request?: string | undefined }>(key: SessionKey, given: T): T
}

/** A call as a claim returns it. */
interface Claimed {
  request: string | undefined
  journal?: Journal | undefined
}

type SealedCalls = Pick<Store, 'lookCall' | 'claim' | 'answer' | 'closeAsk' | 'keep' | 'suspend' | 'poll'>

/** @param parts those of the sealed store */
export function sealedCalls(store: Store, { seal, open, sealRequest }: Parts, openEntries: OpenEntries): SealedCalls {
  /** A deadline that has passed is written by the store itself, and no answer is such a text. */
  const openAnswer = (key: SessionKey, ask: string, text: string | undefined) =>
    text === TIMED_OUT ? text : open(text, 'answer', key, ask)

  /** Undefined where one of the texts does not open. */
  function openAll(texts: Map<string, string>, openOne: (name: string, text: string) => string | undefined) {
    const opened = new Map<string, string>()
    for (const [name, text] of texts) {
      const value = openOne(name, text)
      if (value === undefined) return undefined
      opened.set(name, value)
    }
    return opened
  }

  /** A call whose journal lacks a result would do its effect twice: it has no request then, so that it ends with an error. */
  function openClaim<T extends Claimed>(key: SessionKey, stream: string, claimed: T): T {
    const { request, journal } = claimed
    const opened = { ...claimed, request: open(request, 'request', key, stream) }
    if (!journal) return opened
    const results = openAll(journal.results, (name, text) => open(text, 'once', key, stream, name))
    const answers = openAll(journal.answers, (ask, text) => openAnswer(key, ask, text))
    const note = open(journal.note, 'note', key, stream)
    if (results && answers) return { ...opened, journal: { ...journal, results, answers, note } }
    return { ...opened, request: undefined, journal: { ...journal, results: new Map(), answers: new Map(), note } }
  }

  return {
    async lookCall(key, ...look) {
      const reply = await store.lookCall(key, ...look)
      if (reply.status !== 'ok') return reply
      const answers = new Map<string, string>()
      for (const [ask, value] of reply.answers) {
        const opened = openAnswer(key, ask, value)
        if (opened !== undefined) answers.set(ask, opened)
      }
      return { ...reply, answers }
    },

    async claim(key, stream, ...claim) {
      const reply = await store.claim(key, stream, ...claim)
      return reply.status === 'ok' ? openClaim(key, stream, reply) : reply
    },

    async answer(key, ask, value, taker, attend) {
      const reply = await store.answer(key, ask, seal(value, 'answer', key, ask), taker, attend)
      if (reply.status !== 'ok' && reply.status !== 'late') return reply
      const { taken } = reply
      const claimed = taken && { taken: openClaim(key, taken.stream, taken) }
      if (reply.status === 'ok') return { ...reply, ...claimed }
      // Two seals of one text differ, so the stored answer is read. It stays there.
      const present = openAnswer(key, ask, await store.closeAsk(key, ask))
      return { ...reply, ...claimed, status: present === value ? 'ok' : 'late' }
    },

    closeAsk: async (key, ask) => openAnswer(key, ask, await store.closeAsk(key, ask)),

    async keep(key, keep) {
      const { stream, name, value, register } = keep
      const reply = await store.keep(key, {
        ...keep,
        register: register && sealRequest(key, register),
        value: value === undefined ? undefined : seal(value, 'once', key, stream, name),
      })
      if (reply.status !== 'known') return reply
      const known = open(reply.value, 'once', key, stream, name)
      // A result that cannot be read is no result, and its effect was done: nobody may do it again.
      if (known === undefined) return { status: 'begun' }
      // Two seals of one text differ: this is the repeat of a step whose reply was lost.
      return keep.step === 'end' && known === value ? { status: 'ok' } : { ...reply, value: known }
    },

    async suspend(key, suspension) {
      const { note, stream } = suspension
      const sealed = note === undefined ? suspension : { ...suspension, note: seal(note, 'note', key, stream) }
      const reply = await store.suspend(key, sealed)
      if (reply.status !== 'news') return reply
      return { ...reply, answers: openAll(reply.answers, (ask, text) => openAnswer(key, ask, text)) ?? new Map() }
    },

    async poll(key, stream, after) {
      const reply = await store.poll(key, stream, after)
      if (reply.status !== 'suspended') return reply
      const entries = openEntries(key, stream, reply.entries)
      return entries ? { ...reply, entries, note: open(reply.note, 'note', key, stream) } : { status: 'trimmed' }
    },
  }
}
