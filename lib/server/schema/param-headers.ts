/** Arguments that a client repeats as HTTP headers: `x-mcp-header` (2026-07-28). */
import type { JsonSchema } from '../../protocol/types.ts'
import { walkSchema } from './validator/walk.ts'

export interface ParamHeader {
  /** Without the prefix `Mcp-Param-`. */
  name: string
  /** Where the value is in the arguments. */
  path: readonly string[]
  type: 'string' | 'integer' | 'boolean'
}

/** A token of RFC 9110. */
const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/

/**
 * The headers that a tool's input schema names.
 *
 * @throws TypeError for an annotation that makes the tool invalid: clients would leave the tool out silently
 */
export function paramHeaders(schema: JsonSchema, what: string): readonly ParamHeader[] {
  const headers: ParamHeader[] = []
  walkSchema(schema, (part, path) => {
    const name = part['x-mcp-header']
    if (name === undefined) return
    const refuse = (why: string) => new TypeError(`${what}: "x-mcp-header" ${JSON.stringify(name)} ${why}.`)
    if (typeof name !== 'string' || !TOKEN.test(name)) throw refuse('is not a header name')
    if (path === undefined || path.length === 0) throw refuse('is not on a property that only "properties" lead to')
    if (headers.some((header) => header.name.toLowerCase() === name.toLowerCase())) throw refuse('occurs twice')
    const type = part.type
    if (type !== 'string' && type !== 'integer' && type !== 'boolean') {
      throw refuse('must be on a property of type string, integer or boolean')
    }
    headers.push({ name, path, type })
  })
  return headers
}
