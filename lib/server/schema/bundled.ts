/** The converters that a bundle has: `lib/cli/build/plugins/schemas.ts` adds those of the author's schema libraries. */
import type { Direction } from './types.ts'

/** The part of `zod/v4/core` that is used here. */
export interface ZodCore {
  toJSONSchema(schema: never, options: Record<string, unknown>): object
  /** The descriptions of schemas. Before zod 4.2 each copy of zod has its own. */
  globalRegistry: { get(schema: object): object | undefined }
  version: { major: number; minor: number }
}

/** The part of `zod-to-json-schema` that is used here. */
export interface ZodToJsonSchema {
  zodToJsonSchema(
    schema: never,
    options: { strictUnions: true; pipeStrategy: Direction },
  ): { $schema?: unknown; properties?: Record<string, unknown> }
}

/** The part of `@valibot/to-json-schema` that is used here. */
export interface ValibotToJsonSchema {
  toJsonSchema(schema: never, options: Record<string, unknown>): object
}

export interface Converters {
  /** One for each copy of zod. */
  zod: ZodCore[]
  zodToJsonSchema?: ZodToJsonSchema
  valibot?: ValibotToJsonSchema
}

export const BUNDLED: Converters = { zod: [] }
