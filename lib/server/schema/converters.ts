/**
 * JSON Schema of schemas that cannot write it themselves, by what the author's project has installed: the package itself has
 * no converter.
 */
import { textOf } from '../../base/errors.ts'
import type { JsonSchema } from '../../protocol/types.ts'
import type { Converters, ValibotToJsonSchema, ZodCore, ZodToJsonSchema } from './bundled.ts'
import { DATE } from './dates.ts'
import { installed, installedCopies, installedVersion } from './installed.ts'
import { isStandardSchema, memberOf } from './kinds.ts'
import type { AnySchema, Direction, ToJsonSchema } from './types.ts'

interface Sources {
  /** The option of the server, which is asked first. */
  own: ToJsonSchema | undefined
  bundled: Converters
  /** The error of a schema that tried to write itself. */
  cause: unknown
}

/** @throws TypeError that names the schema, the reason and the cure */
export function convert(schema: AnySchema, direction: Direction, what: string, sources: Sources): JsonSchema {
  let json: object | undefined
  try {
    json = sources.own?.(schema as never, direction) ?? converterOf(schema)(schema, direction, sources)
  } catch (cause) {
    if (cause instanceof Missing) throw new TypeError(`${what} is a schema of ${cause.message}`)
    throw new TypeError(`${what} cannot be written as JSON Schema: ${textOf(cause)}`, { cause })
  }
  // A copy without what is only there for the library, such as `~standard` of zod.
  return JSON.parse(JSON.stringify(json)) as JsonSchema
}

/** The library has no converter here. The message goes on after "is a schema of". */
class Missing extends Error {}

const OPTION = 'or give McpServer the option toJsonSchema'
const TARGET = 'draft-2020-12'

type Convert = (schema: AnySchema, direction: Direction, sources: Sources) => object

function converterOf(schema: AnySchema): Convert {
  const { vendor, jsonSchema } = isStandardSchema(schema) ? schema['~standard'] : { vendor: 'zod' }
  if (jsonSchema !== undefined) return again
  if (vendor === 'zod') return memberOf(schema, '_zod') === undefined ? byZodToJsonSchema : byZodCore
  return vendor === 'valibot' ? byValibot : refuse
}

/** Tries without the options for dates first: with them zod would also write other types that JSON does not have. */
function withDatesWhereNeeded(vendor: string, write: (options: Record<string, unknown>) => object): object {
  try {
    return write({})
  } catch (error) {
    const options = /\bdate\b/i.test(textOf(error)) ? optionsForDates(vendor, error) : undefined
    if (options === undefined) throw error
    return write(options)
  }
}

/** Types of zod that JSON has no values for. */
const NOT_JSON = /^(?:bigint|symbol|undefined|void|map|set|transform|nan|custom|function|file)$/

function optionsForDates(vendor: string, error: unknown): Record<string, unknown> | undefined {
  switch (vendor) {
    case 'zod':
      return {
        unrepresentable: 'any',
        override({ zodSchema, jsonSchema }: { zodSchema: { _zod: { def: { type: string } } }; jsonSchema: object }) {
          const { type } = zodSchema._zod.def
          if (type === 'date') Object.assign(jsonSchema, DATE)
          else if (NOT_JSON.test(type) && Object.keys(jsonSchema).length === 0) throw error
        },
      }
    case 'valibot':
      return {
        overrideSchema: ({ valibotSchema }: { valibotSchema: { type: string } }) =>
          valibotSchema.type === 'date' ? DATE : undefined,
      }
    case 'arktype':
      return { fallback: { date: ({ base }: { base: object }) => ({ ...base, ...DATE }) } }
    default:
      return undefined
  }
}

/** A schema that failed to write itself. */
function again(schema: AnySchema, direction: Direction, { cause }: Sources): object {
  const standard = isStandardSchema(schema) ? schema['~standard'] : undefined
  const write = standard?.jsonSchema?.[direction]
  if (standard === undefined || write === undefined) throw cause
  return withDatesWhereNeeded(standard.vendor, (libraryOptions) => write({ target: TARGET, libraryOptions }))
}

function byZodCore(schema: AnySchema, direction: Direction, { bundled }: Sources): object {
  const { version } = memberOf(schema, '_zod') as { version?: { major: number; minor: number } }
  const fits = (each: ZodCore) => each.version.minor === version?.minor
  // To load what the bundle has would take tens of milliseconds of the start.
  const found = bundled.zod.some(fits) ? [] : (installedCopies('zod', './v4/core').modules as ZodCore[])
  const cores = [...bundled.zod, ...found]
  const name = version === undefined ? 'zod 4' : `zod ${version.major}.${version.minor}`
  const [newest] = cores.toSorted((a, b) => b.version.minor - a.version.minor)
  const core = cores.find(fits) ?? newest
  if (core === undefined) {
    throw new Missing(
      `${name}, which is written by the zod that is installed, and none is found. Install it, ${OPTION}.`,
    )
  }
  return withDatesWhereNeeded('zod', (options) =>
    core.toJSONSchema(schema as never, { io: direction, target: TARGET, metadata: metadataOf(cores), ...options }),
  )
}

/** The descriptions of schemas, whichever copy of zod has them. */
function metadataOf(cores: readonly ZodCore[]) {
  const get = (schema: object): object | undefined => {
    const meta = memberOf(schema, 'meta')
    const own: unknown = typeof meta === 'function' ? meta.call(schema) : undefined
    if (typeof own === 'object' && own !== null) return own
    for (const { globalRegistry } of cores) {
      const found = globalRegistry.get(schema)
      if (found !== undefined) return found
    }
    return undefined
  }
  return { get, has: (schema: object) => get(schema) !== undefined }
}

function byZodToJsonSchema(schema: AnySchema, direction: Direction, { bundled }: Sources): object {
  if (bundled.zodToJsonSchema) return asMember(schema, direction, bundled.zodToJsonSchema)
  const { modules, failure } = installed('zod-to-json-schema')
  const converter = modules[0] as ZodToJsonSchema | undefined
  if (converter) return asMember(schema, direction, converter)
  const version = installedVersion('zod') ?? (isStandardSchema(schema) ? '3.24' : undefined)
  const reason = failure === undefined ? 'is not installed' : `does not fit it (${failure})`
  throw new Missing(
    `zod 3, which zod-to-json-schema writes, and that ${reason}. ` +
      `Run npm install zod-to-json-schema${releaseFor(version)}, ${OPTION}.`,
  )
}

/**
 * Writes a schema as the member of an object, because only there the converter leaves the absence out of an optional one. It reads
 * nothing of an object but its definition.
 */
function asMember(schema: AnySchema, direction: Direction, { zodToJsonSchema }: ZodToJsonSchema): object {
  // The options with which the official SDK writes them.
  const options = { strictUnions: true, pipeStrategy: direction } as const
  if (memberOf(memberOf(schema, '_def'), 'typeName') === 'ZodObject') return zodToJsonSchema(schema as never, options)
  const never = { _def: { typeName: 'ZodNever' } }
  const _def = { typeName: 'ZodObject', unknownKeys: 'strip', catchall: never, shape: () => ({ member: schema }) }
  const { $schema, properties } = zodToJsonSchema({ _def } as never, options)
  const text = JSON.stringify(properties?.member ?? {}).replaceAll('"$ref":"#/properties/member', '"$ref":"#')
  return { $schema, ...(JSON.parse(text) as object) }
}

/** The release of zod-to-json-schema that works with a release of zod. */
function releaseFor(version: string | undefined): string {
  const [major = 0, minor = 0, patch = 0] = (version ?? '').split('.').map(Number)
  if (major === 3) return minor === 25 && patch < 28 ? '@3.24' : `@3.${minor}`
  return major > 3 ? '@3.25' : ''
}

function byValibot(schema: AnySchema, direction: Direction, { bundled }: Sources): object {
  const name = '@valibot/to-json-schema'
  const converter = bundled.valibot ?? (installed(name).modules[0] as ValibotToJsonSchema | undefined)
  if (converter === undefined) {
    throw new Missing(`valibot, which ${name} writes, and that is not installed. Run npm install ${name}, ${OPTION}.`)
  }
  return withDatesWhereNeeded('valibot', (options) =>
    converter.toJsonSchema(schema as never, { typeMode: direction, target: TARGET, ...options }),
  )
}

function refuse(schema: AnySchema): never {
  const vendor = isStandardSchema(schema) ? schema['~standard'].vendor : 'zod'
  const update = vendor === 'arktype' ? 'Install arktype 2.1.28 or newer' : 'Give a plain JSON Schema'
  throw new Missing(`${vendor}, which cannot write JSON Schema. ${update}, ${OPTION}.`)
}
