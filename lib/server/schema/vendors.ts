/** What to do about a schema of a library that gives no JSON Schema. */

const ZOD = 'Install zod 4.2 or newer (npm install zod@4) and import { z } from "zod".'

/** A hint for the author, with a space before it; empty for a library that is not known. */
export function hintFor(vendor: string, schema: object): string {
  if (vendor === 'valibot') return ' Wrap it in toStandardJsonSchema() of @valibot/to-json-schema.'
  return vendor === 'zod' ? ` ${zodHint(schema)}` : ''
}

function zodHint(schema: object): string {
  const { _zod: internals } = schema as { _zod?: { version?: { major: number; minor: number } } }
  if (internals === undefined) return `It is one of zod 3. ${ZOD}`
  const { major, minor } = internals.version ?? { major: 4, minor: 0 }
  // The schemas of zod/mini have few methods of their own.
  if (!('optional' in schema)) {
    return `It is one of zod/mini. Import { z } from "zod" (4.2 or newer), or give z.toJSONSchema(schema) instead.`
  }
  return `It is one of zod ${major}.${minor}. ${ZOD}`
}

/** True for a schema of zod 3 before it had Standard Schema (3.24). */
export function isOldZod(schema: object): boolean {
  return '_def' in schema && 'safeParse' in schema
}
