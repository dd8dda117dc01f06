/**
 * Parts of this package, and of Hono, that few servers use and that must be there at once when they are: their calls are
 * synchronous. In a bundle they are a file of their own, {@link RARELY_USED}, which is read when the first of them is called.
 *
 * The file has its own copy of what the parts import, so that none of them may make or compare objects of this package's classes.
 */
import { join } from 'node:path'
import type { Plugin } from 'esbuild'
import { ENDING, HONO, OWN, within } from '../../own.ts'

/** A file beside the bundle. */
export const RARELY_USED = 'rarely-used.cjs'

/** Modules of this package, and the functions and classes that they export. Exported for tests. */
export const PARTS: Readonly<Record<string, readonly string[]>> = {
  'auth/check': ['checkAuthOptions', 'scopesWithoutAuth'],
  'auth/metadata': ['ResourceMetadata'],
  'http/origin-lists': ['readHeaderNames', 'readHosts', 'readOrigins'],
  'http/patterns': ['patternRouter'],
  'http/stream-body': ['streamBody'],
  'platform/auth-settings': ['readAuth'],
  'platform/log/readable': ['readableLine'],
  'platform/rare-texts': ['rareText'],
  'protocol/refusal-texts': ['refusalText'],
  'runtime/own-changes': ['announceOwnChanges'],
  'runtime/waiting-work': ['WaitingWork'],
  'sdk/no-server': ['noServer'],
  'server/low-level': ['lowLevelServer', 'refuseMember', 'Server'],
  'server/registry/no-handler': ['noHandler'],
  'server/registry/task-policy': ['taskPolicy'],
  'server/registry/positional': ['promptArguments', 'resourceArguments', 'toolArguments'],
  'session/call/task-routing': ['isOfTasks'],
  'store/redis/address': ['readAddress'],
  'store/redis/many-servers': ['askSlotsEarly', 'clusterOptions', 'misplacedServer', 'sentinelParts'],
  'store/redis/ready-client': ['readySource'],
  'store/redis/secure': ['secureOptions', 'tlsWithoutNeed'],
}

/** Modules of Hono, and what of them its other modules call: the reader of forms, and `app.mount`. */
const OF_HONO: Readonly<Record<string, readonly string[]>> = {
  'dist/utils/body': ['parseBody'],
  'dist/utils/mount': ['createMountedRequest'],
}

/** The source of {@link RARELY_USED}. */
export const rarelyUsedSource: string = [
  ...Object.keys(PARTS).map((name) => join(OWN, `${name}${ENDING}`)),
  ...Object.keys(OF_HONO).map((name) => join(HONO, `${name}.js`)),
]
  .map((file) => `export * from ${JSON.stringify(file)}\n`)
  .join('')

export const rarelyUsed: Plugin = {
  name: 'rarely-used',
  setup(build) {
    build.onResolve({ filter: new RegExp(`^\\./${RARELY_USED}$`) }, ({ path }) => ({ path, external: true }))
    const replace = (filter: RegExp, names: readonly string[]) =>
      build.onLoad({ filter }, () => ({ contents: `const loaded = {}\n${names.map(later).join('')}`, loader: 'js' }))
    for (const [name, names] of Object.entries(PARTS)) replace(within(OWN, `${name}\\.[jt]s`), names)
    for (const [name, names] of Object.entries(OF_HONO)) replace(within(HONO, `${name}\\.js`), names)
  },
}

/** A function or a class that is loaded when it is called. */
function later(name: string): string {
  const loaded = `(loaded.${name} ??= require('./${RARELY_USED}').${name})`
  return `export function ${name}(...given) { return new.target ? new ${loaded}(...given) : ${loaded}(...given) }\n`
}
