/** The arguments of `tool()`, `prompt()` and `resource()`, the deprecated register calls of the official SDK. */
import { kindOf } from '../../base/to-json.ts'
import { isObject } from '../../protocol/jsonrpc.ts'
import type { ToolAnnotations } from '../../protocol/types.ts'
import { isLibrarySchema, isShape } from '../schema/kinds.ts'
import type { AnySchema, RawShape, Schema } from '../schema/schema.ts'
import type { ResourceConfig, ToolHandler } from './config.ts'

/** A schema of a library, or an object of such schemas. Plain JSON Schema could not be told from annotations. */
export type Fields = AnySchema | RawShape

/** The argument of `tool()` that is a schema or annotations. */
export type Positional = Fields | ToolAnnotations

export type SchemaOf<Given> = Given extends Fields ? Given : undefined
export type PositionalHandler<Given> = ToolHandler<SchemaOf<Given>, undefined>

type Handler = (...args: never[]) => unknown

interface Read {
  description?: string
  schema?: Schema
  annotations?: ToolAnnotations
  handler: Handler
}

/** Reads `[description], [schema or annotations], [annotations], handler`, as the official SDK does. */
export function toolArguments(name: string, given: readonly unknown[]): Read {
  const what = `Tool "${name}"`
  const { rest, ...read } = begin(what, given)
  const [first, second] = rest
  if (rest.length > 2) throw new TypeError(`${what}: tool() takes a schema and annotations before the handler at most.`)
  if (rest.length === 2) return { ...read, schema: schemaOf(what, first), annotations: annotationsOf(what, second) }
  if (rest.length === 0) return read
  return isSchema(first) ? { ...read, schema: first } : { ...read, annotations: annotationsOf(what, first) }
}

/** Reads `[description], [schema], handler`. */
export function promptArguments(name: string, given: readonly unknown[]): Read {
  const what = `Prompt "${name}"`
  const { rest, ...read } = begin(what, given)
  if (rest.length > 1)
    throw new TypeError(`${what}: prompt() takes a description and a schema before the handler at most.`)
  return rest.length === 0 ? read : { ...read, schema: schemaOf(what, rest[0]) }
}

/** Reads `[metadata], handler`. */
export function resourceArguments(
  name: string,
  given: readonly unknown[],
): { config: ResourceConfig; handler: Handler } {
  const what = `Resource "${name}"`
  const handler = handlerOf(what, given)
  const config = given.length > 1 ? (given[0] ?? {}) : {}
  if (given.length > 2) throw new TypeError(`${what}: resource() takes metadata before the handler at most.`)
  if (isObject(config)) return { config, handler }
  throw new TypeError(
    `${what}: the metadata is ${kindOf(config)} and must be an object, such as { description: 'All notes' }.`,
  )
}

/** The handler is the last argument, and a text the first. What is undefined was left out. */
function begin(what: string, given: readonly unknown[]): Read & { rest: readonly unknown[] } {
  const handler = handlerOf(what, given)
  const before = given.slice(0, -1).filter((argument) => argument !== undefined)
  const [description] = before
  if (typeof description !== 'string') return { handler, rest: before }
  return { handler, description, rest: before.slice(1) }
}

function handlerOf(what: string, given: readonly unknown[]): Handler {
  const handler = given.at(-1)
  if (typeof handler === 'function') return handler as Handler
  throw new TypeError(`${what}: the last argument must be the handler.`)
}

function schemaOf(what: string, value: unknown): Schema {
  if (isSchema(value)) return value
  throw new TypeError(`${what}: a schema is expected before the handler, such as { name: z.string() }.`)
}

function isSchema(value: unknown): value is Schema {
  return isLibrarySchema(value) || (isObject(value) && isShape(value))
}

/** Annotations have no objects as members: those are of a schema at the wrong place. */
function annotationsOf(what: string, value: unknown): ToolAnnotations {
  if (isObject(value) && Object.values(value).every((member) => typeof member !== 'object')) return value
  throw new TypeError(
    `${what}: neither a schema nor annotations. Give plain JSON Schema to registerTool(name, { inputSchema }, handler).`,
  )
}
