/** Plugins that make the Redis client in the bundle smaller and faster to load. The deployed endpoint works the same. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import type { Plugin } from 'esbuild'
import { ofRedisClient as client, REDIS_ERRORS, within } from '../../own.ts'
import { rewriting } from './rewriting.ts'

/**
 * The client adds two methods for each of Redis' three hundred commands to a prototype, one by one, which takes a tenth of
 * the time from the start of a process to its first response. Here they are added to a plain object, which becomes the
 * prototype when it has all of them.
 */
export const methodsAtOnce = rewriting('methods-at-once', client('utils/Commander\\.js'), (text) => {
  const [loop = ''] = /^commands\.forEach\(function[\s\S]*?^\}\);$/m.exec(text) ?? []
  assert.equal(loop.split('Commander.prototype[').length, 3, 'Commander.js of ioredis has changed')
  const built = `const methods = {}; ${loop.replaceAll('Commander.prototype[', 'methods[')}`
  return unmark(text).replace(loop, () => `${built} Object.setPrototypeOf(Commander.prototype, methods);`)
})

/**
 * Few deployments use a cluster, and none of this project uses sentinels: both go into a separate file, {@link ON_DEMAND},
 * which is loaded at the first use of either.
 */
export const onDemand: Plugin = {
  name: 'on-demand',
  setup(build) {
    const namespace = 'on-demand'
    const anywhere = client('.*')
    const parts = /^\.\/(cluster|SentinelConnector|connectors\/SentinelConnector)$/
    build.onResolve({ filter: parts }, ({ path, importer }) =>
      anywhere.test(importer) ? { path: path.slice(2), namespace } : undefined,
    )
    build.onResolve({ filter: new RegExp(`^\\./${ON_DEMAND}$`) }, ({ path }) => ({ path, external: true }))
    build.onLoad({ filter: /./, namespace }, ({ path }) => {
      const part = `require('./${ON_DEMAND}').${path === 'cluster' ? 'cluster' : 'sentinel'}`
      const members = ['default', 'SentinelIterator'].map((name) => lazy('exports', name, `${part}.${name}`))
      return { contents: members.join('\n') }
    })
    const sentinel = lazy('exports', 'SentinelConnector', 'SentinelConnector_1.default')
    // This place, and one in Redis.js, load them at once, without need.
    build.onLoad({ filter: client('connectors/index\\.js') }, ({ path }) => {
      const [text, from] = [readFileSync(path, 'utf8'), 'exports.SentinelConnector = SentinelConnector_1.default;']
      assert.ok(text.includes(from), `${path} has changed: there is no ${from}`)
      return { contents: text.replace(from, sentinel) }
    })
  },
}

/** A file beside the bundle, with its own copy of the client. */
export const ON_DEMAND = 'redis-more.cjs'
export const onDemandSource = `
  exports.cluster = require('ioredis/built/cluster')
  exports.sentinel = require('ioredis/built/connectors/SentinelConnector')
  exports.commands = require('@ioredis/commands')
  exports.decoder = require('ioredis/built/resp/decoder').seldom
  exports.Pipeline = require('ioredis/built/Pipeline').default
  exports.pipelining = require('ioredis/built/autoPipelining')
  exports.ScanStream = require('ioredis/built/ScanStream').default
  exports.Script = require('ioredis/built/Script').default
  exports.addTransactionSupport = require('ioredis/built/transaction').addTransactionSupport
  exports.tracing = require('ioredis/built/tracing')
  exports.transformers = require('ioredis/built/replyTransformers')
  exports.profiles = require('ioredis/built/constants/TLSProfiles').default
  exports.slots = require('cluster-key-slot')\n`

/** A property that is read when it is used. */
export function lazy(object: string, name: string, expression: string): string {
  return `Object.defineProperty(${object}, '${name}', { enumerable: true, configurable: true, get: () => ${expression} })`
}

/**
 * Removes what the client's compiler writes for other compilers: the mark of a compiled ES module, and the names of its exports
 * before their values. The entry of the client keeps it, since others import it.
 */
export function unmark(text: string): string {
  if (text.includes('module.exports')) return text
  return text
    .replace(/^Object\.defineProperty\(exports, "__esModule", \{ value: true \}\);$/m, '')
    .replace(/^(?:exports\.\w+ = )+void 0;$/m, '')
}

/** Comes last, for the files that no other plugin changes. */
export const unmarked = rewriting('unmarked', client('.*\\.js'), unmark)

/** The client's errors take their names from their classes, and code compares those names: minifying would change them. */
export const errorNames: Plugin = {
  name: 'error-names',
  setup(build) {
    const load = ({ path }: { path: string }) => {
      const classes = readFileSync(path, 'utf8').split(/^(?=class )/m)
      const nameOf = (text: string) => `'${/^class (\w+)/.exec(text)?.[1]}'`
      const named = classes.map((text) => text.replaceAll('this.constructor.name', nameOf(text)))
      return { contents: named.join('') }
    }
    build.onLoad({ filter: client('errors/\\w+\\.js') }, load)
    build.onLoad({ filter: within(REDIS_ERRORS, 'lib/\\w+\\.js') }, load)
    // Only for Node 6 and older.
    build.onResolve({ filter: /^\.\/lib\/old$/ }, ({ importer }) =>
      importer.startsWith(REDIS_ERRORS) ? { path: './lib/old', external: true } : undefined,
    )
  },
}

/**
 * Leaves out the traces for `DEBUG=ioredis:*`, and prepared imports (HIMPORT), which need an option that this project does not
 * set. The certificates of a hosted Redis, which only clients of authors name, are in {@link ON_DEMAND}.
 */
export const leftOut: Plugin = {
  name: 'left-out',
  setup(build) {
    const noTraces = 'exports.default = () => Object.assign(() => {}, { enabled: false })'
    const namespace = 'no-traces'
    const anywhere = client('.*')
    // An author's packages have debug, too: theirs stays.
    build.onResolve({ filter: /^debug$/ }, ({ importer }) =>
      anywhere.test(importer) ? { path: 'debug', namespace } : undefined,
    )
    build.onLoad({ filter: /./, namespace }, () => ({ contents: noTraces }))
    build.onLoad({ filter: client('constants/TLSProfiles\\.js') }, ({ path }) => {
      const names = [...readFileSync(path, 'utf8').matchAll(/^ {4}(\w+): \{ ca: /gm)].map(([, name]) => `${name}`)
      assert.ok(names.length > 0, 'TLSProfiles.js of ioredis has changed')
      const profiles = names.map((name) => lazy('exports.default', name, `require('./${ON_DEMAND}').profiles.${name}`))
      return { contents: `exports.default = {}; ${profiles.join(';')}` }
    })
    const message = 'himportFieldsets is left out of this bundle.'
    build.onLoad({ filter: client('himport/HimportCoordinator\\.js') }, ({ path }) => {
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
