/** Which fields of a shape may be missing. */
import { handled } from '../../base/promises.ts'
import { memberOf } from './kinds.ts'
import type { Validate } from './library.ts'
import type { AnySchema } from './types.ts'

interface Optional {
  /** Before parsing. */
  input: boolean
  /** After parsing. */
  output: boolean
  /** The library says so, and refuses a missing value where it is false, whatever its schema makes of `undefined`. */
  marked: boolean
}

export function optionalOf(schema: AnySchema, validate: Validate): Optional {
  const internals = memberOf(schema, '_zod')
  if (internals !== undefined) {
    const { optout } = internals as Internals
    return { input: startOf(internals as Internals) !== undefined, output: optout !== undefined, marked: true }
  }
  const isOptional = memberOf(schema, 'isOptional')
  if (typeof isOptional === 'function') {
    // zod 3 does not tell the two sides apart.
    const optional = attempt(() => isOptional.call(schema) === true, true)
    return { input: optional, output: optional, marked: false }
  }
  // Valibot: a member that may be missing and may not be undefined.
  if (memberOf(schema, 'type') === 'exact_optional') return { input: true, output: true, marked: false }
  return attempt(
    () => {
      const result = validate(undefined)
      if (!(result instanceof Promise)) {
        return { input: !result.issues, output: !result.issues && result.value === undefined, marked: false }
      }
      handled(result)
      return { input: false, output: false, marked: false }
    },
    { input: false, output: false, marked: false },
  )
}

interface Internals {
  optin?: unknown
  optout?: unknown
  def: { type: string; in?: { _zod: Internals }; out?: { _zod: Internals }; innerType?: { _zod: Internals } }
}

/** A preprocessing and a `catch` take any value: what counts is the schema after or inside them, as in the listing of zod. */
function startOf({ optin, def }: Internals): unknown {
  if (def.type === 'pipe' && def.in?._zod.def.type === 'transform' && def.out) return startOf(def.out._zod)
  return def.type === 'catch' && def.innerType ? startOf(def.innerType._zod) : optin
}

function attempt<T>(ask: () => T, otherwise: T): T {
  try {
    return ask()
  } catch {
    return otherwise
  }
}
