/** Completions: suggestions for an argument of a prompt or a variable of a resource template. */
import type { Context } from '../context/context.ts'
import type { InputOf, StandardSchema } from '../schema/schema.ts'

/**
 * Suggests values that begin with the typed text, or that go with it in another way.
 *
 * @param value the text that the user typed so far
 * @param context the arguments that already have a value
 */
export type Completer = (
  value: string,
  context: { arguments: Record<string, string> },
  ctx: Context,
) => readonly string[] | Promise<readonly string[]>

/** The official SDK's key, so that schemas made with its `completable` work as well. */
const KEY = Symbol.for('mcp.completable')

/**
 * Gives a field of `argsSchema` its completions. `complete` in the configuration of the prompt does the same, with
 * every schema.
 *
 * @example
 * argsSchema: z.object({ language: completable(z.string(), (typed) => languages.filter((l) => l.startsWith(typed))) })
 */
export function completable<S extends StandardSchema>(
  schema: S,
  complete: (
    value: InputOf<S> & string,
    context: { arguments: Record<string, string> },
    ctx: Context,
  ) => readonly string[] | Promise<readonly string[]>,
): S {
  Object.defineProperty(schema, KEY, { value: { complete }, enumerable: false, configurable: true })
  return schema
}

/** The completions that fields of an object schema carry: `shape` is zod's name for the fields, `entries` valibot's. */
export function fieldCompleters(schema: unknown): Map<string, Completer> {
  const { shape, entries } = schema as { shape?: unknown; entries?: unknown }
  const found = new Map<string, Completer>()
  const fields = shape ?? entries
  if (typeof fields !== 'object' || fields === null) return found
  for (const [name, field] of Object.entries(fields)) {
    const complete = completerOf(field)
    if (complete !== undefined) found.set(name, complete)
  }
  return found
}

function completerOf(field: unknown): Completer | undefined {
  if (typeof field !== 'object' || field === null) return undefined
  const { complete } = ((field as { [KEY]?: unknown })[KEY] ?? {}) as { complete?: Completer }
  if (typeof complete === 'function') return complete
  // `completable(z.string(), …).optional()` wraps the field that carries the completions.
  const unwrap = (field as { unwrap?: unknown }).unwrap
  return typeof unwrap === 'function' ? completerOf(unwrap.call(field)) : undefined
}
