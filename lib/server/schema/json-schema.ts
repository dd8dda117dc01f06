/** Plain JSON Schema: refusing a schema that cannot be used, and checking values with one. */
import { OnDemand } from '../../base/on-demand.ts'
import { isObject } from '../../protocol/jsonrpc.ts'
import type { JsonSchema } from '../../protocol/types.ts'
import { type Check, describeProblems } from './check.ts'
import { isLibrarySchema } from './kinds.ts'
import { References } from './validator/references.ts'
import { KEYWORDS_OF_OBJECTS, walkSchema } from './validator/walk.ts'

/**
 * Refuses what is no JSON Schema, though every object could be one: fields without a root around them, and a schema of a
 * library inside.
 *
 * @throws TypeError
 */
export function assertPlain(schema: JsonSchema, what: string): void {
  const members = Object.entries(schema)
  if (members.length > 0 && members.every(([name, value]) => isObject(value) && !KEYWORDS_OF_OBJECTS.has(name))) {
    const names = members.map(([name]) => `"${name}"`).join(', ')
    throw new TypeError(
      `${what} has no keyword of JSON Schema, only ${names}. Fields of JSON Schema belong into an object: ` +
        '{ type: "object", properties: { … } }, or Type.Object({ … }) of TypeBox.',
    )
  }
  walkSchema(schema, (part, path) => {
    if (!isLibrarySchema(part)) return
    const place = path === undefined ? '' : ` at "${path.join('.')}"`
    throw new TypeError(
      `${what} is a JSON Schema with a schema of a library inside${place}. Give the fields alone: { name: z.string() }.`,
    )
  })
}

/**
 * Refuses a schema that would fail, or mean something else, when it is used: one of an unknown dialect, with a pattern that
 * is no regular expression, or with a reference that leads out of the schema (no document is ever fetched) or that has no
 * target.
 *
 * @throws TypeError
 */
export function assertUsable(schema: JsonSchema, what: string): References {
  const references = new References(schema, what)
  walkSchema(schema, (part) => {
    const resource = references.resourceOf(part, references.root)
    for (const keyword of ['$ref', '$dynamicRef', '$recursiveRef']) {
      const reference = part[keyword]
      if (typeof reference !== 'string') continue
      const target = references.resolve(reference, resource)
      const problem = `${what}: "${keyword}" to ${JSON.stringify(reference)}`
      if (target === 'outside') throw new TypeError(`${problem} leads out of the schema; nothing is fetched.`)
      if (target === undefined) throw new TypeError(`${problem} leads nowhere.`)
    }
    const { pattern, patternProperties } = part
    const patterns = isObject(patternProperties) ? Object.keys(patternProperties) : []
    for (const each of typeof pattern === 'string' ? [pattern, ...patterns] : patterns) {
      if (!isExpression(each)) throw new TypeError(`${what}: the pattern ${JSON.stringify(each)} is no expression.`)
    }
  })
  return references
}

function isExpression(pattern: string): boolean {
  try {
    return new RegExp(pattern) !== undefined
  } catch {
    // Some expressions are valid in the Unicode mode only, such as named groups of other letters.
    try {
      return new RegExp(pattern, 'u') !== undefined
    } catch {
      return false
    }
  }
}

const VALIDATOR = new OnDemand(() => import('./validator/validator.ts'))
const FORMATS = new OnDemand(() => import('./validator/formats.ts'))

/**
 * The check of a plain schema. The validator is loaded when it is first used, because most servers never need it, and the
 * formats with the first schema that has one.
 */
export function jsonSchemaCheck(schema: JsonSchema): Check {
  let validate: ReturnType<typeof import('./validator/validator.ts').validatorOf> | undefined
  const check: Check = (value) => {
    if (validate === undefined) {
      const parts = hasFormat(schema) ? ([VALIDATOR, FORMATS] as const) : ([VALIDATOR] as const)
      if (parts.some(({ now }) => now === undefined)) {
        return Promise.all(parts.map((part) => part.load())).then(() => check(value))
      }
      validate = VALIDATOR.now?.validatorOf(schema, FORMATS.now?.FORMATS)
    }
    const problems = validate?.(value) ?? []
    return problems.length === 0 ? { ok: true, value } : { ok: false, problems: describeProblems(problems) }
  }
  return check
}

/** True where a part of the schema has a format; a reference may lead to any part. A property of this name does no harm. */
function hasFormat(schema: JsonSchema): boolean {
  return JSON.stringify(schema).includes('"format":')
}
