/** Completions: suggestions for an argument of a prompt or a variable of a resource template. */
import type { Context } from '../context/context.ts'
import { isShape, memberOf } from '../schema/kinds.ts'
import type { AnySchema, InputOf } from '../schema/schema.ts'

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
export function completable<S extends AnySchema>(
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

/** The completions that fields carry: those of a shape, or of an object, whose fields are its `shape` (zod) or `entries` (valibot). */
export function fieldCompleters(schema: object): Map<string, Completer> {
  const found = new Map<string, Completer>()
  const fields = isShape(schema) ? schema : (memberOf(schema, 'shape') ?? memberOf(schema, 'entries'))
  if (typeof fields !== 'object' || fields === null) return found
  for (const [name, field] of Object.entries(fields)) {
    const complete = completerOf(field)
    if (complete !== undefined) found.set(name, complete)
  }
  return found
}

/** A schema around the one that carries the completions, such as `completable(z.string(), …).optional().describe('…')`. */
function completerOf(field: unknown, depth = 0): Completer | undefined {
  // Schemas of arktype are functions, which are objects, too.
  if (Object(field) !== field || depth > MAX_DEPTH) return undefined
  const def = memberOf(field, '_def')
  // `completable` of older releases of SDK 1.x keeps them in a schema of its own.
  const { complete } = ((field as { [KEY]?: unknown })[KEY] ?? (isOld(def) ? def : {})) as { complete?: Completer }
  if (typeof complete === 'function') return complete
  const internals = memberOf(field, '_zod')
  // zod 4: what was described is a copy, and the schema before it is its parent.
  const inner = [
    memberOf(internals, 'parent'),
    ...INNER.map((name) => memberOf(memberOf(internals, 'def') ?? def, name)),
  ]
  const ofValibot = [memberOf(field, 'wrapped'), memberOf(memberOf(field, 'pipe'), '0')]
  for (const each of [...inner, ...ofValibot]) {
    const carried = completerOf(each, depth + 1)
    if (carried !== undefined) return carried
  }
  return undefined
}

/** Optional, default, nullable and their kin; effects of zod 3; the start of a pipe of zod 4. */
const INNER = ['innerType', 'schema', 'in']
const MAX_DEPTH = 20

const isOld = (def: unknown) => memberOf(def, 'typeName') === 'McpCompletable'
