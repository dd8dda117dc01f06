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
  /**
   * What an object of the library makes of a missing value, whatever the schema makes of `undefined`. `refused`: it is a problem.
   * `absent`: the member is missing after parsing, too. `parsed`: the schema decides.
   */
  missing: 'refused' | 'absent' | 'parsed'
}

export function optionalOf(schema: AnySchema, validate: Validate): Optional {
  const internals = memberOf(schema, '_zod')
  if (internals !== undefined) return optionalOfZod(internals as Internals)
  const isOptional = memberOf(schema, 'isOptional')
  if (typeof isOptional === 'function') {
    // zod 3 does not tell the two sides apart.
    const optional = attempt(() => isOptional.call(schema) === true, true)
    return { input: optional, output: optional, missing: 'parsed' }
  }
  // Valibot: a member that may be missing and may not be undefined.
  if (memberOf(schema, 'type') === 'exact_optional') return { input: true, output: true, missing: 'parsed' }
  return attempt(
    () => {
      const result = validate(undefined)
      if (!(result instanceof Promise)) {
        return { input: !result.issues, output: !result.issues && result.value === undefined, missing: 'parsed' }
      }
      handled(result)
      return { input: false, output: false, missing: 'parsed' }
    },
    { input: false, output: false, missing: 'parsed' },
  )
}

function optionalOfZod(marks: Internals): Optional {
  const { optin, optout, version } = marks
  // Before 4.4 an object parsed `undefined` in place of each missing value, and before 4.5 no value was left out.
  const release = version?.minor ?? 0
  const isAbsent = release >= 5 && optin === 'optional' && optout === 'optional'
  const isRefused = release >= 4 && optin === undefined
  const missing = isAbsent ? 'absent' : isRefused ? 'refused' : 'parsed'
  return { input: startOf(marks) !== undefined, output: optout !== undefined, missing }
}

interface Internals {
  /** Since 4.0. */
  version?: { minor: number }
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
