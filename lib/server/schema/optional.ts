/** Which fields of a shape may be missing. */
import { handled } from '../../base/promises.ts'
import { memberOf } from './kinds.ts'
import type { Validate } from './library.ts'
import type { AnySchema } from './types.ts'

interface Optional {
  /** Before parsing, as it is listed. */
  input: boolean
  /** After parsing. */
  output: boolean
  /** The library refuses a missing value, whatever its schema makes of `undefined`. */
  refusesMissing: boolean
}

export function optionalOf(schema: AnySchema, validate: Validate): Optional {
  const internals = memberOf(schema, '_zod')
  if (internals !== undefined) {
    const marks = internals as Internals
    return {
      input: startOf(marks) !== undefined,
      output: marks.optout !== undefined,
      refusesMissing: marks.optin === undefined,
    }
  }
  const isOptional = memberOf(schema, 'isOptional')
  if (typeof isOptional === 'function') {
    // zod 3 does not tell the two sides apart.
    const optional = attempt(() => isOptional.call(schema) === true, true)
    return { input: optional, output: optional, refusesMissing: false }
  }
  // Valibot: a member that may be missing and may not be undefined.
  if (memberOf(schema, 'type') === 'exact_optional') return { input: true, output: true, refusesMissing: false }
  return attempt(
    () => {
      const result = validate(undefined)
      if (!(result instanceof Promise)) {
        return { input: !result.issues, output: !result.issues && result.value === undefined, refusesMissing: false }
      }
      handled(result)
      return { input: false, output: false, refusesMissing: false }
    },
    { input: false, output: false, refusesMissing: false },
  )
}

interface Internals {
  optin?: unknown
  optout?: unknown
  def: { type: string; in?: { _zod: Internals }; out?: { _zod: Internals }; innerType?: { _zod: Internals } }
}

/**
 * A preprocessing and a `catch` take a missing value, too. As in the listing of zod, what counts is the schema after or inside
 * them: the client is to send a value.
 */
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
