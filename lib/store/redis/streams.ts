/** The streams of a session in Redis. */
import { GET_STREAM } from '../names.ts'
import { DEFAULT_LIFETIMES } from '../options.ts'
import type { StreamStore } from '../streams.ts'
import type { Commands } from './commands.ts'
import { Gathered } from './gathered.ts'
import { flag, logEntries, optional } from './scripts/decode.ts'
import * as scripts from './scripts/streams.ts'

export function streamOperations(commands: Commands): StreamStore {
  const { keys } = commands
  const looks = new Gathered(commands, 'mcpLooks', scripts.look)
  const advances = new Gathered(commands, 'mcpAdvances', scripts.advance, 25)
  return {
    post: (key, stream, message, tag, id) => commands.script(scripts.post, { key, stream, message, tag, id }),

    take: (key, stream, holder, { n: after, tag } = NO_POSITION) =>
      commands.script(scripts.take, { key, stream, holder, after, tag }),

    look: (key, stream, holder, { n: after, tag }, lifetime, most = DEFAULT_LIFETIMES.longest) =>
      looks.run({ key, stream, holder, after, tag, lifetime, most }),

    trim: (key, stream, holder, upTo) => commands.script(scripts.trim, { key, stream, holder, upTo }),

    release: (key, stream, holder, sent = false) => commands.script(scripts.release, { key, stream, holder, sent }),

    async replaceHolder(key, stream, expected, holder) {
      const reply = await commands.script(scripts.replaceHolder, { key, stream, expected, holder })
      if (reply.status === 'gone' || reply.isReplaced) return { status: reply.status }
      return { status: 'moved', holder: reply.holder }
    },

    readLog: (key, stream) =>
      // The session is read last: a log that was read before its session ended does not count.
      commands.run(
        'xrange',
        (client) =>
          Promise.all([client.xrange(keys.log({ key, stream }), '-', '+'), client.exists(keys.session({ key }))]),
        ([entries, exists]) => (flag(exists) ? logEntries(entries) : []),
      ),

    changePosition: (key) => commands.run('hget', (client) => client.hget(keys.session({ key }), 'pos'), optional),

    advance(key, { updates, ...advance }) {
      const lists = {
        uris: updates.map(({ uri }) => uri),
        positions: updates.map(({ at }) => at),
        updates: updates.map(({ message }) => message),
      }
      return advances.run({ key, stream: GET_STREAM, ...advance, ...lists })
    },
  }
}

/** Stands for no position: the script then reads after the one that the stream itself has. */
const NO_POSITION = { n: -1, tag: '' }
