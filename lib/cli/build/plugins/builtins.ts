/**
 * A plugin for imports of Node's modules. Node reads every member of a module that is imported, and `WebSocket` of `node:http` and
 * `webcrypto` of `node:crypto` load what takes longer than most of a start. Here a member is read where it is imported.
 */
import { builtinModules } from 'node:module'
import type { Plugin } from 'esbuild'
import { HONO, NODE_SERVER, OWN, within } from '../../own.ts'

/** An author's modules, and their packages, import as they are. */
const importers = [OWN, HONO, NODE_SERVER].map((folder) => within(folder, '.*'))

export const builtins: Plugin = {
  name: 'builtins',
  setup(build) {
    const namespace = 'builtins'
    build.onResolve({ filter: /^node:/ }, ({ path, importer, kind }) => {
      const isOurs = kind === 'import-statement' && importers.some((pattern) => pattern.test(importer))
      return isOurs && builtinModules.includes(path.slice('node:'.length)) ? { path, namespace } : undefined
    })
    build.onLoad({ filter: /./, namespace }, ({ path }) => ({ contents: membersOf(path), loader: 'js' }))
  },
}

const EXPORT = 'export'

/** A module that exports the members of Node's module. A member that nobody imports is not in the bundle. */
function membersOf(path: string): string {
  const names = Object.keys(process.getBuiltinModule(path) ?? {}).filter((name) => /^[a-z_]\w*$/i.test(name))
  return `const builtin = process.getBuiltinModule('${path}')
    const read = (name) => builtin[name]
    ${names.map((name) => `const ${name}$ = /* @__PURE__ */ read('${name}')`).join('\n')}
    ${EXPORT} { builtin as default, ${names.filter((name) => name !== 'default').map((name) => `${name}$ as ${name}`)} }`
}
