/** Plugins that make the Redis client in the bundle smaller and faster to load. The deployed endpoint works the same. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import type { Plugin } from 'esbuild'

interface Command {
  arity: number
  flags: string[]
  keyStart: number
  keyStop: number
  step: number
  subcommands?: Table
}
type Table = Record<string, Command>

/** Changes the text of the files that `filter` matches. */
function rewriting(
  name: string,
  filter: RegExp,
  rewrite: (text: string) => string,
  loader: 'js' | 'ts' = 'js',
): Plugin {
  const load = ({ path }: { path: string }) => ({ contents: rewrite(readFileSync(path, 'utf8')), loader })
  return { name, setup: (build) => build.onLoad({ filter }, load) }
}

/** Compacts the client's table of Redis commands: a tenth of the bundle, most of it repeated words. */
export const compactCommands = rewriting(
  'compact-commands',
  /@ioredis[\\/]commands[\\/]built[\\/]commands\.json$/,
  (text) => `module.exports = ${compacted(JSON.parse(text) as Table)}`,
)

/** A JavaScript expression that evaluates to `table`. */
function compacted(table: Table): string {
  const flags: string[] = []
  const shapes: string[] = []
  const write = (command: Command): string => {
    const text = shape(command)
    if (command.subcommands) return text
    if (!shapes.includes(text)) shapes.push(text)
    return `S[${shapes.indexOf(text)}]`
  }
  const shape = ({ arity, flags: words, keyStart, keyStop, step, subcommands, ...others }: Command): string => {
    const text = JSON.stringify(words)
    if (!flags.includes(text)) flags.push(text)
    const rest = Object.entries(others).map(([name, value]) => `${name}:${JSON.stringify(value)}`)
    if (subcommands) rest.push(`subcommands:${writeAll(subcommands)}`)
    const more = rest.length > 0 ? `,{${rest}}` : ''
    return `c(${[arity, flags.indexOf(text), keyStart, keyStop, step]}${more})`
  }
  const writeAll = (commands: Table): string =>
    `{${Object.entries(commands).map(([name, command]) => `${JSON.stringify(name)}:${write(command)}`)}}`
  const all = writeAll(table)
  const words = [...new Set(flags.flatMap((text) => JSON.parse(text) as string[]))]
  const rows = flags.map((text) => (JSON.parse(text) as string[]).map((word) => words.indexOf(word)).join(' '))
  const make = '(arity, f, keyStart, keyStop, step, more) => ({ arity, flags: F[f], keyStart, keyStop, step, ...more })'
  const expression = `(() => { const W = '${words.join(' ')}'.split(' '); const F = '${rows.join()}'.split(',').map((row) => row === '' ? [] : row.split(' ').map((i) => W[i])); const c = ${make}; const S = [${shapes}]; return ${all} })()`
  assert.deepEqual(new Function(`return ${expression}`)(), table)
  return expression
}

/**
 * The client adds two methods for each of Redis' three hundred commands to a prototype, one by one, which takes a tenth of
 * the time from the start of a process to its first response. Here they are added to a plain object, which becomes the
 * prototype when it has all of them.
 */
export const methodsAtOnce = rewriting('methods-at-once', /ioredis[\\/]built[\\/]utils[\\/]Commander\.js$/, (text) => {
  const [loop = ''] = /^commands\.forEach\(function[\s\S]*?^\}\);$/m.exec(text) ?? []
  assert.equal(loop.split('Commander.prototype[').length, 3, 'Commander.js of ioredis has changed')
  const built = `const methods = {}; ${loop.replaceAll('Commander.prototype[', 'methods[')}`
  return text.replace(loop, () => `${built} Object.setPrototypeOf(Commander.prototype, methods);`)
})

/**
 * Few deployments use a cluster, and none of this project uses sentinels: both go into a separate file, {@link ON_DEMAND},
 * which is loaded at the first use of either.
 */
export const onDemand: Plugin = {
  name: 'on-demand',
  setup(build) {
    const namespace = 'on-demand'
    const parts = /^\.\/(cluster|SentinelConnector|connectors\/SentinelConnector)$/
    build.onResolve({ filter: parts }, ({ path, importer }) =>
      /ioredis[\\/]built[\\/]/.test(importer) ? { path: path.slice(2), namespace } : undefined,
    )
    build.onResolve({ filter: new RegExp(`^\\./${ON_DEMAND}$`) }, ({ path }) => ({ path, external: true }))
    build.onLoad({ filter: /./, namespace }, ({ path }) => {
      const part = `require('./${ON_DEMAND}').${path === 'cluster' ? 'cluster' : 'sentinel'}`
      const members = ['default', 'SentinelIterator'].map((name) => lazy('exports', name, `${part}.${name}`))
      return { contents: members.join('\n') }
    })
    // Two places of the client load them at once, without need.
    const edit = (filter: RegExp, from: string, to: string) =>
      build.onLoad({ filter }, ({ path }) => {
        const text = readFileSync(path, 'utf8')
        assert.ok(text.includes(from), `${path} has changed: there is no ${from}`)
        return { contents: text.replace(from, to) }
      })
    const cluster = lazy('Redis', 'Cluster', 'cluster_1.default')
    edit(/ioredis[\\/]built[\\/]Redis\.js$/, 'Redis.Cluster = cluster_1.default;', cluster)
    const sentinel = lazy('exports', 'SentinelConnector', 'SentinelConnector_1.default')
    const connectors = /ioredis[\\/]built[\\/]connectors[\\/]index\.js$/
    edit(connectors, 'exports.SentinelConnector = SentinelConnector_1.default;', sentinel)
  },
}

/**
 * Every entry passes a store to createEndpoint, and loads the memory store only where it is used. The default of
 * createEndpoint would load it always.
 */
export const noDefaultStore: Plugin = {
  name: 'no-default-store',
  setup(build) {
    const namespace = 'no-default-store'
    build.onResolve({ filter: /^\.\/store\/memory\/index\.ts$/ }, ({ importer }) =>
      /lib[\\/](endpoint|index)\.ts$/.test(importer) ? { path: 'memory', namespace } : undefined,
    )
    const message = 'In a bundle createEndpoint needs a store: see lib/platform/store.ts.'
    build.onLoad({ filter: /./, namespace }, () => ({
      contents: `export function memoryStore() { throw new Error('${message}') }`,
    }))
  },
}

/** A file beside the bundle, with its own copy of the client. */
export const ON_DEMAND = 'redis-more.cjs'
export const onDemandSource = `
  exports.cluster = require('ioredis/built/cluster')
  exports.sentinel = require('ioredis/built/connectors/SentinelConnector')
  exports.commands = require('@ioredis/commands')
  exports.Pipeline = require('ioredis/built/Pipeline').default
  exports.pipelining = require('ioredis/built/autoPipelining')
  exports.slots = require('cluster-key-slot')`

function lazy(object: string, name: string, expression: string): string {
  return `Object.defineProperty(${object}, '${name}', { enumerable: true, configurable: true, get: () => ${expression} })`
}

/** The client's errors take their names from their classes, and code compares those names: minifying would change them. */
export const errorNames: Plugin = {
  name: 'error-names',
  setup(build) {
    build.onLoad({ filter: /(redis-errors[\\/]lib|ioredis[\\/]built[\\/]errors)[\\/]\w+\.js$/ }, ({ path }) => {
      const classes = readFileSync(path, 'utf8').split(/^(?=class )/m)
      const nameOf = (text: string) => `'${/^class (\w+)/.exec(text)?.[1]}'`
      const named = classes.map((text) => text.replaceAll('this.constructor.name', nameOf(text)))
      return { contents: named.join('') }
    })
    // Only for Node 6 and older.
    build.onResolve({ filter: /^\.\/lib\/old$/ }, ({ importer }) =>
      importer.includes('redis-errors') ? { path: './lib/old', external: true } : undefined,
    )
  },
}

/** Removes the indentation and the comments of the Lua scripts. */
export const outdented = rewriting(
  'outdented',
  /lib[\\/]store[\\/]redis[\\/]scripts[\\/]\w+\.ts$/,
  (text) => text.replace(/\n +(-- .*)?/g, '\n'),
  'ts',
)

/**
 * Leaves out the traces for `DEBUG=ioredis:*`, the certificates of a hosted Redis that REDIS_URL cannot name, and prepared
 * imports (HIMPORT), which need an option that this project does not set.
 */
export const leftOut: Plugin = {
  name: 'left-out',
  setup(build) {
    const replace = (filter: RegExp, contents: string) => build.onLoad({ filter }, () => ({ contents }))
    const noTraces = 'exports.default = () => Object.assign(() => {}, { enabled: false })'
    replace(/node_modules[\\/]debug[\\/]src[\\/]index\.js$/, noTraces)
    replace(/ioredis[\\/]built[\\/]constants[\\/]TLSProfiles\.js$/, 'exports.default = {}')
    const message = 'himportFieldsets is left out of this bundle (lib/cli/build/plugins.ts).'
    build.onLoad({ filter: /ioredis[\\/]built[\\/]himport[\\/]HimportCoordinator\.js$/ }, ({ path }) => {
      const [, names = ''] = /^(exports\.\w+ = .*)void 0;$/m.exec(readFileSync(path, 'utf8')) ?? []
      assert.match(names, /interceptHimportCommand/)
      return {
        contents: `${names} () => false;
          exports.cloneHimportFieldsets = (given) => given;
          exports.hasHimportCoordinator = Symbol();
          exports.getHimportBinding = () => undefined;
          exports.default = class { constructor() { throw new Error('${message}') } }`,
      }
    })
  },
}
