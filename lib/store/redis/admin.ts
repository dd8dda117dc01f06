/** The part of the store in Redis that operators use. */
import type { AdminStore, StoreFacts, TaskWalkReply, WalkReply } from '../admin.ts'
import type { Client } from './client.ts'
import { type Commands, invoke } from './commands.ts'
import type { Redis } from './ioredis.ts'
import * as scripts from './scripts/admin.ts'
import { list, number, optional, text, texts } from './scripts/decode.ts'
import type { Script } from './scripts/script.ts'
import { isForbidden } from './trouble.ts'

/** Keys that one step of a walk looks at. */
const LEAST = 10
const MOST = 1_000
/** Steps of one reply. */
const STEPS = 100
/** The key of a session has so many characters. */
const KEY = '?'.repeat(22)

/** The id of a task that is the only one of its slot. */
const ALONE = 'task'

interface Node {
  /** Host and port of a node of a cluster. */
  name: string
  client: Redis
}

/** The primaries, in an order that does not depend on the connection. */
function primariesOf(client: Client): Node[] {
  if (!('nodes' in client)) return [{ name: 'redis', client }]
  return client
    .nodes('master')
    .map((one) => ({ name: `${one.options.host}:${one.options.port}`, client: one }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** `<cursor of SCAN>@<node>` */
function readCursor(cursor: string): { at: string; name: string } | undefined {
  const [, at, name] = /^(\d{1,20})@(.+)$/.exec(cursor) ?? []
  return at === undefined || name === undefined ? undefined : { at, name }
}

export function adminOperations(commands: Commands): AdminStore {
  const { keys, settings } = commands
  /** No call needs these commands: their failure says nothing about whether calls are served. */
  const script = <Given, Reply>(one: Script<Given, Reply>, given: NoInfer<Given>): Promise<Reply> => {
    const args = one.order(given, settings, keys)
    return commands.look(
      (client) => invoke(client, one, args),
      (reply) => one.reply(reply, given),
    )
  }

  /** Names of keys that fit a pattern, which has {@link KEY} once. */
  async function scan(
    pattern: string,
    cursor: string | undefined,
    limit: number,
  ): Promise<{ names: string[]; cursor: string | undefined } | undefined> {
    const nodes = await commands.look(
      async (client) => primariesOf(client),
      (found) => found,
    )
    const begin = cursor === undefined ? { at: '0', name: nodes[0]?.name } : readCursor(cursor)
    let index = nodes.findIndex(({ name }) => name === begin?.name)
    let at = begin?.at ?? '0'
    if (index < 0) return undefined
    const found = new Set<string>()
    let count = Math.max(LEAST, Math.min(MOST, limit))
    for (let step = 0; step < STEPS && found.size < limit; step++) {
      const node = nodes[index]
      if (node === undefined) break
      const [next, names] = await commands.look(
        () => node.client.scan(at, 'MATCH', pattern, 'COUNT', count),
        (reply) => [text(reply[0]), texts(reply[1])] as const,
      )
      for (const name of names) found.add(name)
      // Where few keys fit, a step looks at more.
      count = names.length === 0 ? Math.min(MOST, 2 * count) : Math.max(LEAST, Math.min(count, limit - found.size))
      at = next
      if (next === '0') index++
    }
    const node = nodes[index]
    return { names: [...found], cursor: node && `${at}@${node.name}` }
  }

  async function walk(which: 'all' | 'live', cursor: string | undefined, limit: number): Promise<WalkReply> {
    const key = keys.session({ key: KEY })
    const pattern = which === 'all' ? key : keys.live({ key: KEY })
    const [before = '', after = ''] = pattern.split(KEY)
    const found = await scan(pattern, cursor, limit)
    if (!found) return { status: 'unknown' }
    const all = found.names.map((name) => name.slice(before.length, name.length - after.length))
    return { status: 'ok', keys: all, cursor: found.cursor }
  }

  async function walkTasks(cursor: string | undefined, limit: number): Promise<TaskWalkReply> {
    const pattern = keys.task({ key: KEY, id: '*' })
    const [before = '', between = ''] = pattern.slice(0, -1).split(KEY)
    const found = await scan(pattern, cursor, limit)
    if (!found) return { status: 'unknown' }
    const all = found.names.map((name) => {
      const scope = name.slice(before.length, before.length + KEY.length)
      const id = name.slice(before.length + KEY.length + between.length)
      // A task of the stateless revision is the only one of its slot.
      return id === ALONE ? { scope, id } : { scope, id, inSession: true }
    })
    return { status: 'ok', keys: all, cursor: found.cursor }
  }

  return {
    report: (instance, facts, ttl) => script(scripts.report, { instance, facts, ttl }),

    async retract(instance) {
      await commands.look(
        (client) => Promise.all([client.zrem(keys.instances(), instance), client.unlink(keys.reported({ instance }))]),
        () => {},
      )
    },

    async instances() {
      const ids = await commands.look((client) => client.zrange(keys.instances(), '0', '-1'), texts)
      const reported = await commands.look(
        (client) =>
          Promise.all(
            ids.map((instance) => {
              const key = keys.reported({ instance })
              return Promise.all([client.get(key), client.pttl(key)])
            }),
          ),
        (replies) => replies.map(([facts, left]) => ({ facts: optional(facts), left: number(left) })),
      )
      // A report that has expired is gone, and its instance is still in the list.
      return ids.flatMap((id, i) => {
        const one = reported[i]
        return one?.facts === undefined ? [] : { id, facts: one.facts, left: one.left }
      })
    },

    walk,
    walkTasks,

    describeTasks: (all) =>
      Promise.all(
        all.map((key) =>
          script(scripts.describeTask, { key: key.scope, id: key.id }).then((found) => found && { key, ...found }),
        ),
      ),

    describe: (all) => Promise.all(all.map((key) => script(scripts.describe, { key }))),

    sessionsOf: (principal) => commands.look((client) => client.zrange(keys.own({ principal }), '0', '-1'), texts),

    cancelCall: (key, stream) => script(scripts.cancelCall, { key, stream }),

    async facts() {
      const infos = async (section: string) =>
        commands
          .look(
            (client) => Promise.all(primariesOf(client).map((node) => node.client.info(section))),
            (replies) => list(replies).map(text),
          )
          .catch((error) => {
            if (!isForbidden(error, 'info')) throw error
            return []
          })
      return factsIn(await infos('server'), await infos('memory'))
    },
  }
}

function factsIn([server = '']: readonly string[], memories: readonly string[]): StoreFacts {
  const member = (info: string, name: string) => new RegExp(`^${name}:(\\S+)`, 'm').exec(info)?.[1]
  const memory = memories
    .map((info) => ({ used: Number(member(info, 'used_memory')), max: Number(member(info, 'maxmemory')) || undefined }))
    .sort((a, b) => b.used / (b.max ?? 1) - a.used / (a.max ?? 1))[0]
  // Valkey calls itself Redis 7.2 in the member that clients read.
  const version = member(server, 'valkey_version') ?? member(server, 'redis_version')
  return { mode: member(server, 'server_mode') ?? member(server, 'redis_mode'), version, memory }
}
