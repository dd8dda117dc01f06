/** A plugin that leaves parts of the Redis client for {@link ON_DEMAND} that one client of one Redis seldom needs. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Plugin } from 'esbuild'
import { ofRedisClient, REDIS_COMMANDS } from '../../own.ts'
import { Deque } from './deque.ts'
import { ON_DEMAND } from './redis-client.ts'

const MORE = `require('./${ON_DEMAND}')`

/** The flags of commands that a client looks at, before each command while it connects, and in pipelines. */
const FLAGS = ['loading', 'readonly']

/**
 * What `@ioredis/commands` exports. The names of the commands and two of their flags are here; where the keys are among the
 * arguments of each is in the other file.
 */
function commandsModule(): string {
  const table = JSON.parse(readFileSync(join(REDIS_COMMANDS, 'built/commands.json'), 'utf8'))
  const rows = Object.entries(table as Record<string, { flags: string[] }>)
  assert.ok(rows.every(([name]) => /^\S+$/.test(name)))
  const bits = rows.map(([, { flags }]) => FLAGS.reduce((sum, flag, i) => sum + (flags.includes(flag) ? 1 << i : 0), 0))
  return `
    const list = '${rows.map(([name]) => name).join(' ')}'.split(' ');
    const bits = '${bits.join('')}';
    const at = new Map(list.map((name, i) => [name, i]));
    const nameOf = (name, lower) => lower ? String(name).toLowerCase() : name;
    exports.list = list;
    exports.exists = (name, options) => at.has(nameOf(name, options?.caseInsensitive));
    exports.hasFlag = (name, flag, options) => {
      const i = at.get(nameOf(name, options?.nameCaseInsensitive));
      const bit = ${JSON.stringify(FLAGS)}.indexOf(flag);
      return i === undefined || bit < 0 ? ${MORE}.commands.hasFlag(name, flag, options) : (bits[i] & 1 << bit) > 0;
    };
    exports.getKeyIndexes = (...given) => ${MORE}.commands.getKeyIndexes(...given);`
}

const SLOTS = `
  module.exports = (key) => ${MORE}.slots(key);
  module.exports.generateMulti = (keys) => ${MORE}.slots.generateMulti(keys);`

const AUTO_PIPELINING = `
  exports.shouldUseAutoPipelining = (client, ...given) =>
    client.options.enableAutoPipelining && ${MORE}.pipelining.shouldUseAutoPipelining(client, ...given);
  exports.executeWithAutoPipelining = (...given) => ${MORE}.pipelining.executeWithAutoPipelining(...given);`

const PIPELINE = `
  exports.default = class Pipeline {
    constructor(redis) {
      return new (${MORE}.Pipeline)(redis);
    }
  }`

/** The methods are those of the other file from the first use of one of them. */
const TRANSACTIONS = `
  exports.addTransactionSupport = (redis) => {
    const { multi, exec } = redis;
    for (const name of ['pipeline', 'multi', 'exec'])
      redis[name] = function (...given) {
        ${MORE}.addTransactionSupport(Object.assign(redis, { multi, exec }));
        return this[name](...given);
      };
  };`

const TRACING = `
  const { tracingChannel } = require('node:diagnostics_channel');
  const tracer = (method, name) => {
    const channel = tracingChannel('ioredis:' + name);
    exports[method] = (fn, context) =>
      channel.hasSubscribers === false ? fn() : ${MORE}.tracing[method](fn, context);
  };
  tracer('traceCommand', 'command');
  tracer('traceBatch', 'batch');
  tracer('traceConnect', 'connect');
  exports.sanitizeArgs = (...given) => ${MORE}.tracing.sanitizeArgs(...given);`

/** Only replies of RESP3 are changed, of commands that this project does not use. */
function replyTransformers(text: string): string {
  const [, names] = /sortedSetWithScorePairCommands = (\[[^\]]*\])/.exec(text) ?? []
  const transformers = [...text.matchAll(/^exports\.(transform\w+) = /gm)].map(([, name]) => name)
  assert.ok(names !== undefined && transformers.length === 3, 'replyTransformers.js of ioredis has changed')
  const lazily = (name?: string) => `exports.${name} = (...given) => ${MORE}.transformers.${name}(...given);`
  return `exports.sortedSetWithScorePairCommands = ${names}; ${transformers.map(lazily).join('')}`
}

/** The default export of a module, taken from the other file where it is first read. */
const elsewhere = (name: string) =>
  `Object.defineProperty(exports, 'default', { enumerable: true, get: () => ${MORE}.${name} })`

const NO_TRACES = 'exports.default = () => () => {}'

export const leanRedis: Plugin = {
  name: 'lean-redis',
  setup(build) {
    const namespace = 'lean-redis'
    const client = ofRedisClient('.*')
    // An author's packages have some of these, too (mysql2 has denque): theirs stay.
    const packages: Record<string, () => string> = {
      '@ioredis/commands': commandsModule,
      'cluster-key-slot': () => SLOTS,
      denque: () => `module.exports = ${Deque}`,
    }
    build.onResolve({ filter: /^(?:@ioredis\/commands|cluster-key-slot|denque)$/ }, ({ path, importer }) =>
      client.test(importer) ? { path, namespace } : undefined,
    )
    build.onLoad({ filter: /./, namespace }, ({ path }) => ({ contents: packages[path]?.() ?? '', loader: 'js' }))
    const replace = (file: string, contents: string) =>
      build.onLoad({ filter: ofRedisClient(file) }, () => ({ contents, loader: 'js' }))
    replace('autoPipelining\\.js', AUTO_PIPELINING)
    replace('Pipeline\\.js', PIPELINE)
    replace('ScanStream\\.js', elsewhere('ScanStream'))
    replace('Script\\.js', elsewhere('Script'))
    replace('transaction\\.js', TRANSACTIONS)
    replace('tracing\\.js', TRACING)
    build.onLoad({ filter: ofRedisClient('replyTransformers\\.js') }, ({ path }) => ({
      contents: replyTransformers(readFileSync(path, 'utf8')),
      loader: 'js',
    }))
    replace('utils/debug\\.js', NO_TRACES)
  },
}
