/** A plugin that leaves parts of the Redis client for {@link ON_DEMAND} that one client of one Redis seldom needs. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import type { Plugin } from 'esbuild'
import { Deque } from './deque.ts'
import { ON_DEMAND } from './plugins.ts'

const MORE = `require('./${ON_DEMAND}')`

/** The flags of commands that a client looks at, before each command while it connects, and in pipelines. */
const FLAGS = ['loading', 'readonly']

/**
 * What `@ioredis/commands` exports. The names of the commands and two of their flags are here; where the keys are among the
 * arguments of each is in the other file.
 */
function commandsModule(path: string): string {
  const table = JSON.parse(readFileSync(path.replace(/index\.js$/, 'commands.json'), 'utf8'))
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

const NO_TRACES = 'exports.default = () => () => {}'

export const leanRedis: Plugin = {
  name: 'lean-redis',
  setup(build) {
    const replace = (filter: RegExp, contentsOf: (path: string) => string) =>
      build.onLoad({ filter }, ({ path }) => ({ contents: contentsOf(path), loader: 'js' }))
    replace(/@ioredis[\\/]commands[\\/]built[\\/]index\.js$/, commandsModule)
    replace(/cluster-key-slot[\\/]lib[\\/]index\.js$/, () => SLOTS)
    replace(/ioredis[\\/]built[\\/]autoPipelining\.js$/, () => AUTO_PIPELINING)
    replace(/ioredis[\\/]built[\\/]Pipeline\.js$/, () => PIPELINE)
    replace(/ioredis[\\/]built[\\/]utils[\\/]debug\.js$/, () => NO_TRACES)
    replace(/denque[\\/]index\.js$/, () => `module.exports = ${Deque}`)
  },
}
