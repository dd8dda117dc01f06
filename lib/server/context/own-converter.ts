/** The option `toJsonSchema` of a server, for the forms of its handlers. Few servers have it, so that a context has no field for it. */
import type { ToJsonSchema } from '../schema/schema.ts'

const CONVERTERS = new WeakMap<object, ToJsonSchema>()

/** @param handler a function whose last argument is the context */
export function withConverter<Given extends unknown[]>(
  handler: (...given: Given) => unknown,
  toJsonSchema: ToJsonSchema | undefined,
): (...given: Given) => unknown {
  if (toJsonSchema === undefined) return handler
  return (...given) => {
    CONVERTERS.set(given.at(-1) as object, toJsonSchema)
    return handler(...given)
  }
}

export function converterOf(context: object): ToJsonSchema | undefined {
  return CONVERTERS.get(context)
}
