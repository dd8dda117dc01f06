/** Removes what `begin.ts` added: packages take a global `require` for the sign of a CommonJS module. */
import { undo } from './begin.ts'

const scope: { require?: unknown } = globalThis
if (undo) delete scope.require
