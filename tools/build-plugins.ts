/** What the bundle leaves out or writes shorter of the Redis client. Nothing that a deployed endpoint does changes. */
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

/** The client's table of Redis commands is a tenth of the bundle, most of it the same words again and again. */
export const compactCommands: Plugin = {
  name: 'compact-commands',
  setup(build) {
    build.onLoad({ filter: /@ioredis[\\/]commands[\\/]built[\\/]commands\.json$/ }, ({ path }) => {
      const table = JSON.parse(readFileSync(path, 'utf8')) as Table
      const contents = `module.exports = ${compacted(table)}`
      return { contents, loader: 'js' }
    })
  },
}

/** An expression that gives `table` again. */
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
 * The client puts two methods for each of Redis' three hundred commands on a prototype, one by one, for which the
 * JavaScript engine needs a tenth of the time from the start of a process to its first answer. They go on an object that
 * is made a prototype when it has them all.
 */
export const methodsAtOnce: Plugin = {
  name: 'methods-at-once',
  setup(build) {
    build.onLoad({ filter: /ioredis[\\/]built[\\/]utils[\\/]Commander\.js$/ }, ({ path }) => {
      const text = readFileSync(path, 'utf8')
      const [loop = ''] = /^commands\.forEach\(function[\s\S]*?^\}\);$/m.exec(text) ?? []
      assert.equal(loop.split('Commander.prototype[').length, 3, `${path} is not as it was`)
      const built = `const methods = {}; ${loop.replaceAll('Commander.prototype[', 'methods[')}`
      return { contents: text.replace(loop, () => `${built} Object.setPrototypeOf(Commander.prototype, methods);`) }
    })
  },
}

/**
 * A cluster is used by few deployments, and sentinels by none of this project: both become a file of their own,
 * {@link ON_DEMAND}, which is read when somebody asks for the first of them.
 */
export const onDemand: Plugin = {
  name: 'on-demand',
  setup(build) {
    const namespace = 'on-demand'
    build.onResolve(
      { filter: /^\.\/(cluster|SentinelConnector|connectors\/SentinelConnector)$/ },
      ({ path, importer }) =>
        /ioredis[\\/]built[\\/]/.test(importer) ? { path: path.slice(2), namespace } : undefined,
    )
    build.onResolve({ filter: new RegExp(`^\\./${ON_DEMAND}$`) }, ({ path }) => ({ path, external: true }))
    build.onLoad({ filter: /./, namespace }, ({ path }) => {
      const part = `require('./${ON_DEMAND}').${path === 'cluster' ? 'cluster' : 'sentinel'}`
      return {
        contents: ['default', 'SentinelIterator'].map((name) => lazy('exports', name, `${part}.${name}`)).join('\n'),
      }
    })
    // Two places ask at once for what may never be needed.
    const edit = (filter: RegExp, from: string, to: string) =>
      build.onLoad({ filter }, ({ path }) => {
        const text = readFileSync(path, 'utf8')
        assert.ok(text.includes(from), `${path} is not as it was: there is no ${from}`)
        return { contents: text.replace(from, to) }
      })
    const cluster = lazy('Redis', 'Cluster', 'cluster_1.default')
    edit(/ioredis[\\/]built[\\/]Redis\.js$/, 'Redis.Cluster = cluster_1.default;', cluster)
    const sentinel = lazy('exports', 'SentinelConnector', 'SentinelConnector_1.default')
    edit(
      /ioredis[\\/]built[\\/]connectors[\\/]index\.js$/,
      'exports.SentinelConnector = SentinelConnector_1.default;',
      sentinel,
    )
  },
}

/**
 * Every entry says where its sessions are, and loads the store in memory where that is the place. The endpoint's own
 * default would load it always.
 */
export const noDefaultStore: Plugin = {
  name: 'no-default-store',
  setup(build) {
    const namespace = 'no-default-store'
    build.onResolve({ filter: /^\.\/store\/memory\/index\.ts$/ }, ({ importer }) =>
      /lib[\\/](endpoint|index)\.ts$/.test(importer) ? { path: 'memory', namespace } : undefined,
    )
    const message = 'In a bundle an endpoint is given its store: see lib/platform/store.ts.'
    build.onLoad({ filter: /./, namespace }, () => ({
      contents: `export function memoryStore() { throw new Error('${message}') }`,
    }))
  },
}

/** Beside the bundle, with a client of its own inside. */
export const ON_DEMAND = 'redis-more.cjs'
export const onDemandSource = `
  exports.cluster = require('ioredis/built/cluster')
  exports.sentinel = require('ioredis/built/connectors/SentinelConnector')`

function lazy(object: string, name: string, expression: string): string {
  return `Object.defineProperty(${object}, '${name}', { enumerable: true, configurable: true, get: () => ${expression} })`
}

/** The client's errors are told apart by name, which they take from their class: shortened names would be lost. */
export const errorNames: Plugin = {
  name: 'error-names',
  setup(build) {
    build.onLoad({ filter: /(redis-errors[\\/]lib|ioredis[\\/]built[\\/]errors)[\\/]\w+\.js$/ }, ({ path }) => {
      const classes = readFileSync(path, 'utf8').split(/^(?=class )/m)
      const named = classes.map((text) =>
        text.replaceAll('this.constructor.name', `'${/^class (\w+)/.exec(text)?.[1]}'`),
      )
      return { contents: named.join('') }
    })
    // For Nodes before the seventh.
    build.onResolve({ filter: /^\.\/lib\/old$/ }, ({ importer }) =>
      importer.includes('redis-errors') ? { path: './lib/old', external: true } : undefined,
    )
  },
}

/** Lua needs no indentation. */
export const outdented: Plugin = {
  name: 'outdented',
  setup(build) {
    build.onLoad({ filter: /lib[\\/]store[\\/]redis[\\/]scripts[\\/]\w+\.ts$/ }, ({ path }) => ({
      contents: readFileSync(path, 'utf8').replace(/\n +/g, '\n'),
      loader: 'ts',
    }))
  },
}

/**
 * Its traces for `DEBUG=ioredis:*`, the certificates of a hosted Redis that REDIS_URL has no word for, and its support of
 * prepared imports (HIMPORT), which is asked for by an option that nobody sets here.
 */
export const leftOut: Plugin = {
  name: 'left-out',
  setup(build) {
    build.onLoad({ filter: /node_modules[\\/]debug[\\/]src[\\/]index\.js$/ }, () => ({
      contents: 'exports.default = () => Object.assign(() => {}, { enabled: false })',
    }))
    build.onLoad({ filter: /ioredis[\\/]built[\\/]constants[\\/]TLSProfiles\.js$/ }, () => ({
      contents: 'exports.default = {}',
    }))
    const message = 'himportFieldsets is left out of this bundle (tools/build-plugins.ts).'
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
