/** The types of schemas as authors write them, and of the values that fit them. */
import type { JsonObject } from '../../protocol/jsonrpc.ts'
import type { JsonSchema } from '../../protocol/types.ts'

/** `input`: the value before parsing, which a client sends. `output`: the value after parsing, which a client gets. */
export type Direction = 'input' | 'output'

interface JsonSchemaOptions {
  target: 'draft-2020-12'
  /** Options that a library has beside those of the standard. */
  libraryOptions?: Record<string, unknown> | undefined
}

/** The parts of standardschema.dev that are used here. */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly types?: { readonly input: Input; readonly output: Output } | undefined
    readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>
    /** zod has it from 4.2 on, arktype from 2.1.28 on. Schemas of other libraries need a converter. */
    readonly jsonSchema?:
      | { readonly [Side in Direction]: (options: JsonSchemaOptions) => Record<string, unknown> }
      | undefined
  }
}

export type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] }

export interface StandardIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

type OldZodResult =
  | { readonly success: true; readonly data: unknown }
  | { readonly success: false; readonly error: { readonly issues: readonly StandardIssue[] } }

type OldZodTypes = { readonly [Side in Direction as `_${Side}`]: unknown }

/** A schema of zod 3 before 3.24, which has no Standard Schema. */
export interface OldZodSchema extends OldZodTypes {
  readonly _def: object
  safeParse(value: unknown): OldZodResult
  safeParseAsync(value: unknown): Promise<OldZodResult>
}

/** A schema of a library. */
export type AnySchema = StandardSchema | OldZodSchema

/** The fields of an object, such as `{ name: z.string(), age: z.number().optional() }`. `{}` has no fields. */
export interface RawShape {
  readonly [field: string]: AnySchema
}

/** A schema of TypeBox 1, which is a JSON Schema whose type has no index signature. */
interface TypeBoxSchema {
  readonly '~kind': string
}

/** The type of `inputSchema`, `outputSchema`, `argsSchema` and the schema of `ctx.elicit`. */
export type Schema = AnySchema | TypeBoxSchema | RawShape | JsonSchema

/**
 * Writes schemas as JSON Schema that cannot do it themselves; undefined for a schema that the next way should write.
 *
 * @example (schema, io) => z.toJSONSchema(schema, { io })
 */
export type ToJsonSchema = (schema: never, direction: Direction) => object | undefined

/** The type after parsing, which a handler gets. The type checker reads a JSON Schema where that is a constant. */
export type OutputOf<S> = TypeOf<S, 'output', JsonObject>

/** The type before parsing, which a handler returns. */
export type InputOf<S> = TypeOf<S, 'input', unknown>

/** `Otherwise`: for a JSON Schema that is no constant. */
type TypeOf<S, Side extends Direction, Otherwise> = S extends AnySchema
  ? LibraryType<S, Side>
  : S extends TypeBox<infer T>
    ? T
    : S extends RawShape
      ? ShapeType<S, Side>
      : RootOf<S, Otherwise>

type LibraryType<S, Side extends Direction> = S extends { readonly '~standard': { readonly types?: infer Types } }
  ? NonNullable<Types> extends { readonly [K in Side]: infer T }
    ? T
    : unknown
  : S extends { readonly [K in `_${Side}`]: infer T }
    ? T
    : unknown

/** The object of a shape. A field may be missing where its schema lets it be. */
type ShapeType<S, Side extends Direction> = Flat<
  { -readonly [K in keyof S as MayBeMissing<S[K], Side> extends true ? never : K]: LibraryType<S[K], Side> } & {
    -readonly [K in keyof S as MayBeMissing<S[K], Side> extends true ? K : never]?: LibraryType<S[K], Side>
  }
>

type Flat<T> = { [K in keyof T]: T[K] }

/** The schemas of zod 4 say it themselves; others by a type that `undefined` belongs to. */
type MayBeMissing<S, Side extends Direction> = S extends { readonly _zod: infer Marks }
  ? Side extends 'input'
    ? Marks extends { optin: 'optional' | 'defaulted' }
      ? true
      : false
    : Marks extends { optout: 'optional' }
      ? true
      : false
  : unknown extends LibraryType<S, Side>
    ? false
    : undefined extends LibraryType<S, Side>
      ? true
      : false

/** Schemas of TypeBox 0.x name their type. They have members of any name and type, as a shape would have. */
type TypeBox<T> = { readonly static: T; readonly params: unknown[] }

/** The type of a JSON Schema of an object, which TypeBox 1 has and `as const` gives; else `Other`. */
type RootOf<S, Other> = S extends { readonly type: 'object'; readonly properties: object } ? ObjectOf<S> : Other

type ValueOf<S> =
  S extends TypeBox<infer T>
    ? T
    : S extends { readonly const: infer Value }
      ? Value
      : S extends { readonly enum: readonly (infer Value)[] }
        ? Value
        : S extends { readonly anyOf: readonly (infer Branch)[] }
          ? ValueOf<Branch>
          : S extends { readonly type: keyof Simple }
            ? Simple[S['type']]
            : S extends { readonly type: 'array' }
              ? ArrayOf<S>
              : S extends { readonly type: 'object'; readonly properties: object }
                ? ObjectOf<S>
                : unknown

interface Simple {
  string: string
  number: number
  integer: number
  boolean: boolean
  null: null
}

type ArrayOf<S> = S extends { readonly items: infer Item }
  ? Item extends readonly unknown[]
    ? unknown[]
    : ValueOf<Item>[]
  : unknown[]

type ObjectOf<S extends { readonly properties: object }> = Flat<
  { -readonly [K in keyof S['properties'] as K extends RequiredOf<S> ? K : never]: ValueOf<S['properties'][K]> } & {
    -readonly [K in keyof S['properties'] as K extends RequiredOf<S> ? never : K]?:
      | ValueOf<S['properties'][K]>
      | undefined
  }
>

type RequiredOf<S> = S extends { readonly required: readonly (infer Name)[] } ? Name : never
