/** The streams of a session in Redis. */
import type { Store } from '../store.ts'
import { GET_STREAM } from '../store.ts'
import type { Context } from './context.ts'
import { flag, list, logEntries, number, oneOf, optional } from './decode.ts'
import { keys } from './keys.ts'
import * as scripts from './scripts/streams.ts'

type StreamOperations = Pick<Store, 'post' | 'take' | 'look' | 'release' | 'readLog' | 'advance'>

export function streamOperations({ commands, lifetimes, maxMessages, maxBytes }: Context): StreamOperations {
  const { open } = lifetimes

  return {
    async post(key, stream, message, tag, id) {
      const reply = list(
        await commands.script(
          scripts.post,
          [keys.session(key), keys.log(key, stream), keys.logs(key), keys.post(key, stream, id)],
          [stream, message, tag, maxMessages, open, lifetimes.repeat, maxBytes],
        ),
      )
      return { status: oneOf(reply[0], ['ok', 'gone']), n: number(reply[1]), holder: optional(reply[2]) }
    },

    async take(key, stream, holder, after) {
      const reply = list(
        await commands.script(
          scripts.take,
          [keys.session(key), keys.live(key), keys.log(key, stream), keys.logs(key)],
          [stream, holder, after?.n ?? '', after?.tag ?? '', open],
        ),
      )
      const status = oneOf(reply[0], ['ok', 'gone', 'unknown', 'trimmed', 'beyond'])
      if (status !== 'ok') return { status }
      return {
        status,
        entries: logEntries(reply[1]),
        end: number(reply[2]),
        position: number(reply[3]),
        tag: optional(reply[4]),
        previous: optional(reply[5]),
        owner: optional(reply[6]),
        ended: flag(reply[7]),
        level: optional(reply[8]),
      }
    },

    async look(key, stream, holder, after, lifetime, tag = '') {
      const reply = list(
        await commands.script(
          scripts.look,
          [keys.session(key), keys.live(key), keys.log(key, stream), keys.logs(key)],
          [stream, holder, after, tag, lifetime, open],
        ),
      )
      const status = oneOf(reply[0], ['ok', 'moved', 'gone'])
      return {
        gone: status === 'gone',
        moved: status === 'moved',
        entries: logEntries(reply[1] ?? []),
        owner: optional(reply[2]),
        ended: flag(reply[3]),
      }
    },

    async release(key, stream, holder) {
      const scriptKeys = [keys.session(key), keys.live(key), keys.log(key, stream)]
      await commands.script(scripts.release, scriptKeys, [stream, holder])
    },

    async readLog(key, stream) {
      // The session is asked last: what was read of one that is gone does not count.
      const [entries, exists] = await commands.run((client) =>
        Promise.all([client.xrange(keys.log(key, stream), '-', '+'), client.exists(keys.session(key))]),
      )
      return flag(exists) ? logEntries(entries) : []
    },

    async advance(key, { holder, tag, from, to, messages, updates }) {
      const reply = list(
        await commands.script(
          scripts.advance,
          [keys.session(key), keys.log(key, GET_STREAM), keys.logs(key)],
          [
            ...[holder, tag, from, to, maxMessages, open, messages.length, maxBytes],
            ...messages,
            ...updates.flatMap(({ uri, at, message }) => [uri, at, message]),
          ],
        ),
      )
      return { status: oneOf(reply[0], ['ok', 'moved', 'gone']), entries: logEntries(reply[1]) }
    },
  }
}
