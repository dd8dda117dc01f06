/**
 * Plugins for functions of the Redis client that are seldom called: subscriptions, MONITOR, blocking commands with a limit, and
 * addresses that the client reads itself. In the bundle each of them only calls the same function in {@link ON_DEMAND}.
 */
import assert from 'node:assert/strict'
import type { Plugin } from 'esbuild'
import { ofRedisClient } from '../../own.ts'
import { lazy, ON_DEMAND, unmark } from './redis-client.ts'
import { rewriting } from './rewriting.ts'

interface Outlined {
  /** The class of the module, which is its default export, and the methods. */
  methods?: readonly string[]
  functions?: readonly string[]
  /** Other changes: a text, and what it becomes. */
  edits?: Readonly<Record<string, string>>
}

/** By the file of the client, without its ending. None of them makes an object that is compared by its class. */
const OUTLINED: Readonly<Record<string, Outlined>> = {
  Command: { methods: ['setBlockingTimeout', 'extractBlockingTimeout', '_iterateKeys'] },
  DataHandler: {
    methods: ['returnPush', 'handleUnsolicitedUnsubscribe', 'handleSubscriberReply', 'handleMonitorReply'],
    functions: ['fillSubCommand', 'fillUnsubCommand'],
    // They are called for each reply.
    edits: {
      'this.handleMonitorReply(reply)': 'this.redis.status === "monitoring" && this.handleMonitorReply(reply)',
      'this.redis.condition.protocol !== 3 && this':
        'this.redis.condition.protocol !== 3 && this.redis.condition.subscriber && this',
    },
  },
  Redis: {
    methods: ['monitor', 'createScanStream', '_getDescription', '_buildCommandContext', '_buildBatchContext'],
    edits: { 'Redis.Cluster = cluster_1.default;': lazy('Redis', 'Cluster', 'cluster_1.default') },
  },
  'redis/event_handler': { functions: ['handleAuthError'] },
  'utils/index': {
    functions: [
      'wrapMultiResult',
      'packObject',
      'timeout',
      'convertObjectToArray',
      'convertMapToArray',
      'optimizeErrorStack',
      'parseURL',
      'sample',
      'shuffle',
      'zipMap',
    ],
  },
}

/** The name under which {@link ON_DEMAND} exports the functions of a module that the module itself does not export. */
const INSIDE = 'outlined'
const nameOf = (file: string) => file.replaceAll('/', '_')
const fileOf = (file: string) => ofRedisClient(`${file}\\.js`)

/** What {@link ON_DEMAND} exports for this file. */
export const outlinedSource: string = Object.keys(OUTLINED)
  .map((file) => `exports.${nameOf(file)} = require('ioredis/built/${file}')\n`)
  .join('')

/** For {@link ON_DEMAND}: exports the functions. */
export const inside: readonly Plugin[] = Object.entries(OUTLINED).map(([file, { functions = [] }]) =>
  rewriting(`inside-${nameOf(file)}`, fileOf(file), (text) => `${text}\nexports.${INSIDE} = { ${functions} };`),
)

/** For the bundle. */
export const outlined: readonly Plugin[] = Object.entries(OUTLINED).map(
  ([file, { methods = [], functions = [], edits = {} }]) =>
    rewriting(`outlined-${nameOf(file)}`, fileOf(file), (text) => {
      const elsewhere = `require('./${ON_DEMAND}').${nameOf(file)}`
      let code = unmark(text)
      for (const name of methods)
        code = replaceBody(code, `    ${name}`, `return ${elsewhere}.default.prototype.${name}.apply(this, arguments);`)
      for (const name of functions)
        code = replaceBody(code, `function ${name}`, `return ${elsewhere}.${INSIDE}.${name}.apply(this, arguments);`)
      for (const [from, to] of Object.entries(edits)) code = replaceOnce(code, from, to)
      return code
    }),
)

/** Replaces the body of the function or method that begins with `head`, which the client's compiler has indented. */
function replaceBody(text: string, head: string, body: string): string {
  const indent = /^ */.exec(head)?.[0] ?? ''
  const start = text.indexOf(`\n${head}(`)
  const end = text.indexOf(`\n${indent}}\n`, start)
  assert.ok(start >= 0 && end > start, `ioredis has changed: there is no ${head.trim()}`)
  return `${text.slice(0, start)}\n${head}() { ${body}${text.slice(end)}`
}

function replaceOnce(text: string, from: string, to: string): string {
  assert.equal(text.split(from).length, 2, `ioredis has changed: there is no ${from}`)
  return text.replace(from, () => to)
}
