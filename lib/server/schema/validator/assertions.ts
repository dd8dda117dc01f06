/** Keywords about a value itself: its type, and the bounds of numbers, texts, lists and objects. */
import type { JsonObject } from '../../../protocol/jsonrpc.ts'
import { areUnique, memberOf } from './equality.ts'
import type { Part, Test } from './node.ts'
import type { Run } from './run.ts'

/** The type of the JSON that a value is sent as. */
export function typeOf(value: unknown): string {
  if (value === null || value === undefined) return 'null'
  if (typeof value === 'number') return Number.isFinite(value) ? 'number' : 'null'
  return Array.isArray(value) ? 'array' : typeof value
}

/** The type of values that each bound is about. */
const BOUNDS: Readonly<Record<string, readonly [type: string, holds: Bound]>> = {
  minimum: ['number', (n, bound) => n >= bound || `${n} is less than ${bound}`],
  maximum: ['number', (n, bound) => n <= bound || `${n} is greater than ${bound}`],
  exclusiveMinimum: ['number', (n, bound) => n > bound || `${n} is less than or equal to ${bound}`],
  exclusiveMaximum: ['number', (n, bound) => n < bound || `${n} is greater than or equal to ${bound}`],
  minLength: ['string', (n, bound) => n >= bound || `String is too short (${n} < ${bound})`],
  maxLength: ['string', (n, bound) => n <= bound || `String is too long (${n} > ${bound})`],
  minItems: ['array', (n, bound) => n >= bound || `Array has too few items (${n} < ${bound})`],
  maxItems: ['array', (n, bound) => n <= bound || `Array has too many items (${n} > ${bound})`],
  minProperties: ['object', (n, bound) => n >= bound || `Instance does not have at least ${bound} properties`],
  maxProperties: ['object', (n, bound) => n <= bound || `Instance has more than ${bound} properties`],
}

/** True, or the problem. `n` is the number, or the size of the value. */
type Bound = (n: number, bound: number) => true | string

export function assertionsOf({ schema, dialect, formats }: Part): Test[] {
  const tests: Test[] = []
  const { type, pattern, format, required, uniqueItems, dependentRequired } = schema
  if (type !== undefined) tests.push(typeTest(Array.isArray(type) ? type : [type]))
  const values = Array.isArray(schema.enum) ? schema.enum : undefined
  if (values !== undefined) tests.push(valueTest(values, `any of ${JSON.stringify(values)}`))
  if (schema.const !== undefined) tests.push(valueTest([schema.const], JSON.stringify(schema.const)))
  if (Array.isArray(required)) tests.push(requiredTest(required))
  for (const [keyword, [kind, holds]] of Object.entries(BOUNDS)) {
    const bound = schema[keyword]
    if (typeof bound !== 'number') continue
    tests.push((value, run) => {
      if (typeOf(value) !== kind) return true
      const outcome = holds(sizeOf(value, run), bound)
      return outcome === true || run.fail(outcome)
    })
  }
  if (typeof schema.multipleOf === 'number') tests.push(multipleTest(schema.multipleOf))
  if (typeof pattern === 'string') {
    const expression = expressionOf(pattern)
    tests.push(textTest((text) => expression.test(text), 'String does not match pattern'))
  }
  const isFormat = typeof format === 'string' ? formats?.get(format) : undefined
  if (isFormat !== undefined) tests.push(textTest(isFormat, `String does not match format "${format}"`))
  if (uniqueItems === true) {
    tests.push((value, run) => !Array.isArray(value) || areUnique(value, run) || run.fail('An item occurs twice'))
  }
  if (dialect !== 'draft-07') tests.push(...dependenciesOf(dependentRequired))
  // Only draft-07 has `dependencies`; a schema of a newer dialect that has it means the same.
  tests.push(...dependenciesOf(schema.dependencies))
  return tests
}

/** An author's expression. Those that are not valid in the Unicode mode were written for the other one. */
export function expressionOf(pattern: string): RegExp {
  try {
    return new RegExp(pattern, 'u')
  } catch {
    return new RegExp(pattern)
  }
}

function typeTest(types: readonly unknown[]): Test {
  const expected = types.join('", "')
  return (value, run) => {
    const type = typeOf(value)
    return (
      type === types[0] ||
      types.includes(type) ||
      (type === 'number' && types.includes('integer') && Number.isInteger(value)) ||
      run.fail(`Instance type "${type}" is invalid. Expected "${expected}"`)
    )
  }
}

function valueTest(values: readonly unknown[], text: string): Test {
  const includes = memberOf(values)
  return (value, run) => includes(value, run) || run.fail(`Instance does not match ${text}`)
}

function textTest(holds: (text: string) => boolean, problem: string): Test {
  return (value, run) => {
    if (typeof value !== 'string') return true
    run.read(value)
    return holds(value) || run.fail(problem)
  }
}

function requiredTest(names: readonly string[]): Test {
  return (value, run) => {
    if (typeOf(value) !== 'object') return true
    run.spend(names.length >> 3)
    const missing = names.filter((name) => !hasMember(value as JsonObject, name))
    for (const name of missing) run.fail(`Instance does not have required property ${JSON.stringify(name)}`)
    return missing.length === 0
  }
}

/** Lists of names that must be there where another one is. */
function dependenciesOf(dependencies: unknown): Test[] {
  const lists = Object.entries((dependencies ?? {}) as JsonObject).filter(([, names]) => Array.isArray(names))
  return lists.map(([name, names]) => {
    const test = requiredTest(names as string[])
    return (value, run, seen) =>
      typeOf(value) !== 'object' || !hasMember(value as JsonObject, name) || test(value, run, seen)
  })
}

/** A member that is undefined is not sent. */
export function hasMember(value: JsonObject, name: string): boolean {
  return Object.hasOwn(value, name) && value[name] !== undefined
}

function sizeOf(value: unknown, run: Run): number {
  if (typeof value === 'number') return value
  if (Array.isArray(value)) return value.length
  if (typeof value === 'string') {
    run.read(value)
    let count = 0
    // Code points, as JSON Schema counts characters.
    for (const _ of value) count++
    return count
  }
  return Object.values(value as JsonObject).filter((member) => member !== undefined).length
}

/** Steps for reading a decimal: it takes longer than other steps. */
const STEPS_OF_DECIMAL = 20

/** Exact also where both have decimals: 0.3 is a multiple of 0.1. */
function multipleTest(divisor: number): Test {
  const own = decimal(divisor)
  return (value, run) => {
    if (typeOf(value) !== 'number') return true
    const given = value as number
    const whole = Number.isSafeInteger(given) && Number.isSafeInteger(divisor)
    const fits = whole ? given % divisor === 0 : isMultiple(given, own, run)
    return fits || run.fail(`${given} is not a multiple of ${divisor}`)
  }
}

function isMultiple(value: number, divisor: Decimal, run: Run): boolean {
  const { digits, exponent } = decimal(value)
  const apart = exponent - divisor.exponent
  run.spend(STEPS_OF_DECIMAL + Math.max(0, apart >> 3))
  if (divisor.digits === 0n) return false
  if (digits === 0n) return true
  if (apart >= 0) return (digits * 10n ** BigInt(apart)) % divisor.digits === 0n
  // The divisor has more zeros at its end than the value has digits.
  return -apart <= MAX_DIGITS && digits % (divisor.digits * 10n ** BigInt(-apart)) === 0n
}

/** Digits of a number as text, and those that an integer has before its exponent is written. */
const MAX_DIGITS = 22

interface Decimal {
  digits: bigint
  exponent: number
}

function decimal(value: number): Decimal {
  const [digits = '', exponent = '0'] = value.toString().split('e')
  const [, fraction = ''] = digits.split('.')
  return { digits: BigInt(digits.replace('.', '')), exponent: Number(exponent) - fraction.length }
}
