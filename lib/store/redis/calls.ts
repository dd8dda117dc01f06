/** Calls and asks in Redis. */
import type { Store } from '../store.ts'
import type { Context } from './context.ts'
import { flag, list, number, oneOf, optional, texts } from './decode.ts'
import { keys } from './keys.ts'
import * as scripts from './scripts/calls.ts'

type CallOperations = Pick<
  Store,
  'register' | 'append' | 'endCall' | 'lookCall' | 'calls' | 'claim' | 'releaseCall' | 'cancel' | 'answer' | 'closeAsk'
>

/** Where no bound is given. */
const UNLIMITED = 1e9

export function callOperations({ commands, lifetimes, maxMessages, maxBytes }: Context): CallOperations {
  const { open, ended } = lifetimes
  const bit = (value: boolean) => (value ? '1' : '')

  return {
    async register(key, { id, stream, owner, holder, request, max }) {
      const reply = list(
        await commands.script(
          scripts.register,
          [keys.session(key), keys.live(key), keys.log(key, stream), keys.cancel(key, id), keys.over(key, stream)],
          [id, stream, owner, holder ?? '', request ?? '', open, max ?? UNLIMITED],
        ),
      )
      return {
        status: oneOf(reply[0], ['ok', 'taken', 'full', 'gone']),
        cancelled: flag(reply[1]),
        level: optional(reply[2]),
      }
    },

    async append(key, { stream, owner, from, messages, tag, final, register, asks = [], forget = [] }) {
      const { id = '', holder = '', request = '', max = UNLIMITED } = register ?? {}
      const reply = list(
        await commands.script(
          scripts.append,
          [
            keys.session(key),
            keys.live(key),
            keys.log(key, stream),
            keys.logs(key),
            keys.cancel(key, id),
            keys.over(key, stream),
          ],
          [
            ...[stream, owner, from, tag, bit(final), maxMessages, open, ended],
            ...[bit(register !== undefined), id, holder, request, messages.length, asks.length, max, maxBytes],
            ...messages,
            ...asks,
            ...forget,
          ],
        ),
      )
      return {
        status: oneOf(reply[0], ['ok', 'lost', 'cancelled', 'gap', 'taken', 'full', 'gone']),
        end: number(reply[1]),
        holder: optional(reply[2]),
        level: optional(reply[3]),
      }
    },

    async endCall(key, { stream, owner, mark, forget = [] }) {
      const reply = list(
        await commands.script(
          scripts.endCall,
          [keys.session(key), keys.live(key), keys.log(key, stream), keys.logs(key), keys.over(key, stream)],
          [stream, owner, bit(mark), maxMessages, open, ended, lifetimes.endRepeat, ...forget],
        ),
      )
      return {
        status: oneOf(reply[0], ['ok', 'lost', 'gone']),
        cancelled: flag(reply[1]),
        holder: optional(reply[2]),
      }
    },

    async calls(key) {
      const reply = texts(await commands.script(scripts.calls, [keys.session(key), keys.live(key)], []))
      return reply.flatMap((stream, i) => (i % 2 === 0 ? [{ stream, owner: reply[i + 1] ?? '' }] : []))
    },

    async lookCall(key, stream, owner, asks, lifetime) {
      const reply = list(
        await commands.script(
          scripts.lookCall,
          [keys.session(key), keys.live(key), keys.log(key, stream), keys.logs(key)],
          [stream, owner, lifetime, open, ...asks],
        ),
      )
      const values = list(reply[3] ?? [])
      const answers = new Map<string, string>()
      for (const [i, ask] of asks.entries()) {
        const value = optional(values[i])
        if (value !== undefined) answers.set(ask, value)
      }
      return {
        status: oneOf(reply[0], ['ok', 'lost', 'gone']),
        cancelled: flag(reply[1]),
        level: optional(reply[2]),
        answers,
        holder: optional(reply[4]),
      }
    },

    async claim(key, stream, expected, owner) {
      const reply = list(
        await commands.script(
          scripts.claim,
          [keys.session(key), keys.live(key), keys.log(key, stream)],
          [stream, expected, owner, open],
        ),
      )
      return {
        status: oneOf(reply[0], ['ok', 'lost', 'over', 'gone']),
        cancelled: flag(reply[1]),
        end: number(reply[2]),
        id: optional(reply[3]),
        request: optional(reply[4]),
      }
    },

    async releaseCall(key, stream, owner) {
      await commands.script(scripts.releaseCall, [keys.session(key), keys.live(key)], [stream, owner, open])
    },

    async cancel(key, id) {
      const scriptKeys = [keys.session(key), keys.live(key), keys.cancel(key, id)]
      const reply = list(await commands.script(scripts.cancel, scriptKeys, [id, lifetimes.cancelMark]))
      return { owner: optional(reply[0]), stream: optional(reply[1]) }
    },

    async answer(key, ask, value) {
      const reply = list(await commands.script(scripts.answer, [keys.session(key), keys.live(key)], [ask, value, open]))
      return { stored: flag(reply[0]), owner: optional(reply[1]) }
    },

    closeAsk: async (key, ask) =>
      optional(await commands.script(scripts.closeAsk, [keys.session(key), keys.live(key)], [ask])),
  }
}
