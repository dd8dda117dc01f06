/** Gives the modules that are evaluated next a `require` for the modules of Node, where there is none. */

function requireBuiltin(name: string): object {
  const found = process.getBuiltinModule(name)
  if (found !== undefined) return found
  throw Object.assign(new Error(`Cannot find module '${name}'`), { code: 'MODULE_NOT_FOUND' })
}

const scope: { require?: unknown } = globalThis
/** Undo it. */
export const undo = scope.require === undefined
if (undo) scope.require = requireBuiltin
