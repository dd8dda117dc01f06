/** Plain JSON Schema by the rules of its dialect, and in agreement with Ajv. */
import { AjvJsonSchemaValidator } from '@modelcontextprotocol/server/validators/ajv'
import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { jsonSchemaCheck } from '../../lib/server/schema/json-schema.ts'

const DIALECTS = {
  'draft-07': 'http://json-schema.org/draft-07/schema#',
  '2019-09': 'https://json-schema.org/draft/2019-09/schema',
  '2020-12': 'https://json-schema.org/draft/2020-12/schema',
}

async function fits(schema: object, value: unknown): Promise<boolean> {
  return (await jsonSchemaCheck(schema as never)(value)).ok
}

const STRINGS = { type: 'string' }
const NUMBERS = { type: 'number' }

/** A schema, and values that fit and do not fit in each dialect. */
const RULES: [rule: string, schema: object, value: unknown, fits: Record<keyof typeof DIALECTS, boolean>][] = [
  ['items may be a tuple', { items: [STRINGS] }, [1], { 'draft-07': false, '2019-09': false, '2020-12': false }],
  [
    'additionalItems is about the items after a tuple',
    { items: [STRINGS], additionalItems: NUMBERS },
    ['a', 'b'],
    { 'draft-07': false, '2019-09': false, '2020-12': false },
  ],
  [
    'prefixItems is new in 2020-12',
    { prefixItems: [STRINGS] },
    [1],
    { 'draft-07': true, '2019-09': true, '2020-12': false },
  ],
  [
    '$ref hides the keywords beside it in draft-07',
    { $ref: '#/definitions/a', maxLength: 1, definitions: { a: STRINGS } },
    'long',
    { 'draft-07': true, '2019-09': false, '2020-12': false },
  ],
  [
    'dependencies are schemas or lists',
    { dependencies: { a: ['b'], b: { required: ['c'] } } },
    { a: 1, b: 1 },
    { 'draft-07': false, '2019-09': false, '2020-12': false },
  ],
  [
    'dependentRequired came with 2019-09',
    { dependentRequired: { a: ['b'] } },
    { a: 1 },
    { 'draft-07': true, '2019-09': false, '2020-12': false },
  ],
  [
    'dependentSchemas came with 2019-09',
    { dependentSchemas: { a: { required: ['b'] } } },
    { a: 1 },
    { 'draft-07': true, '2019-09': false, '2020-12': false },
  ],
  [
    'minContains came with 2019-09',
    { contains: STRINGS, minContains: 2 },
    ['a'],
    { 'draft-07': true, '2019-09': false, '2020-12': false },
  ],
  [
    'unevaluatedProperties came with 2019-09',
    { allOf: [{ properties: { a: {} } }], unevaluatedProperties: false },
    { a: 1, b: 1 },
    { 'draft-07': true, '2019-09': false, '2020-12': false },
  ],
  [
    'contains counts for unevaluatedItems since 2020-12',
    { contains: STRINGS, unevaluatedItems: false },
    ['a'],
    { 'draft-07': true, '2019-09': false, '2020-12': true },
  ],
  [
    'if, then and else are in all',
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
    { if: STRINGS, then: { minLength: 3 }, else: NUMBERS },
    'ab',
    { 'draft-07': false, '2019-09': false, '2020-12': false },
  ],
  [
    'an $id of a fragment is an anchor in draft-07',
    { $ref: '#a', definitions: { a: { $id: '#a', ...STRINGS } } },
    'a',
    { 'draft-07': true, '2019-09': false, '2020-12': false },
  ],
]

describe.each(Object.entries(DIALECTS) as [keyof typeof DIALECTS, string][])('in %s', (dialect, $schema) => {
  it.each(RULES)('%s', async (_rule, schema, value, expected) => {
    expect(await fits({ $schema, ...schema }, value)).toBe(expected[dialect])
    expect(await fits({ $schema: $schema.replace(/^http:/, 'https:').replace('#', ''), ...schema }, value)).toBe(
      expected[dialect],
    )
  })
})

it('goes by the dynamic scope: $recursiveRef in 2019-09, $dynamicRef in 2020-12', async () => {
  const tree = (anchor: object, reference: object, strict: object, $schema: string) => ({
    $schema,
    $id: 'https://example.com/strict',
    ...strict,
    $ref: 'tree',
    unevaluatedProperties: false,
    $defs: {
      tree: {
        $id: 'tree',
        ...anchor,
        type: 'object',
        properties: { data: true, children: { type: 'array', items: reference } },
      },
    },
  })
  const recursive = { $recursiveAnchor: true }
  const dynamic = { $dynamicAnchor: 'node' }
  for (const schema of [
    tree(recursive, { $recursiveRef: '#' }, recursive, DIALECTS['2019-09']),
    tree(dynamic, { $dynamicRef: '#node' }, dynamic, DIALECTS['2020-12']),
  ]) {
    expect(await fits(schema, { children: [{ data: 1 }] })).toBe(true)
    expect(await fits(schema, { children: [{ daat: 1 }] })).toBe(false)
  }
})

it('checks an embedded schema by the rules of its own dialect', async () => {
  const $defs = { old: { $id: 'old', $schema: DIALECTS['draft-07'], items: [STRINGS], prefixItems: [NUMBERS] } }
  expect(await fits({ $defs, $ref: 'old' }, ['a'])).toBe(true)
  expect(await fits({ $defs, $ref: 'old' }, [1])).toBe(false)
})

it('takes a member that is undefined for one that is missing, as JSON does', async () => {
  const schema = { properties: { note: STRINGS }, additionalProperties: false, maxProperties: 1 }
  expect(await fits(schema, { note: undefined, other: undefined })).toBe(true)
  expect(await fits({ ...schema, required: ['note'] }, { note: undefined })).toBe(false)
  expect(await fits({ ...schema, dependentRequired: { note: ['x'] } }, { note: undefined })).toBe(true)
  expect(await fits({ type: 'number' }, Number.NaN)).toBe(false)
})

test.each([
  ['date', ['2024-02-29', '2000-02-29'], ['2023-02-29', '1900-02-29', '2024-13-01', '2024-1-1']],
  ['time', ['12:00:00Z', '23:59:60Z', '01:29:60+01:30'], ['12:00:00', '24:00:00Z', '22:59:60Z', '12:00:00+24:00']],
  ['date-time', ['2024-01-01T00:00:00Z', '2024-01-01 00:00:00.5+01:00'], ['2024-01-01', '2024-01-01T00:00:00']],
  ['duration', ['P1D', 'PT1H', 'P1Y2M3DT4H5M6S', 'P3W'], ['P', 'PT', 'P1DT', 'P1S', 'P1Y2D']],
  ['email', ['a@b.c', 'a.b@[127.0.0.1]', '"a b"@c'], ['a', '@b', '.a@b', 'a..b@c', `${'a'.repeat(65)}@b`]],
  ['hostname', ['a.b', 'a-b'], ['-a', 'a-', 'a..b', 'a_b', `${'a'.repeat(64)}.b`]],
  ['ipv4', ['127.0.0.1'], ['1', '127.0.0.256', '01.0.0.1']],
  ['ipv6', ['::1', '1:2:3:4:5:6:7:8'], [':1', '::g', 'fe80::1%eth0']],
  [
    'uri',
    ['https://a/b?c#d', 'urn:a', 'http://[::1]:80/', 'x:'],
    ['a', '/a', 'http://a b', 'http://[::1', 'http://a:b/', 'a:%zz'],
  ],
  ['uri-reference', ['', 'a', '/a?b#c', '//a/b'], ['a b', '1:a', '#a#b', '\\\\a']],
  ['uri-template', ['https://a/{b}{?c,d*}', '{+a:3}'], ['{', '{a', 'a}', '{a b}']],
  ['uuid', ['2eb8aa08-aa98-11ea-b4aa-73b441d16380'], ['2eb8aa08', '2eb8aa08aa98-11ea-b4aa-73b441d163800']],
  ['regex', ['^a+$', '(?<a>b)'], ['(', '\\a', 'a\\Z']],
  ['json-pointer', ['', '/a~0b/~1'], ['a', '/~2']],
  ['relative-json-pointer', ['0', '1/a', '2#'], ['-1', '01', '1#a']],
  ['unknown', ['anything'], []],
])('the format %s is checked', async (format, good, bad) => {
  for (const text of good) expect([text, await fits({ format }, text)]).toEqual([text, true])
  for (const text of bad) expect([text, await fits({ format }, text)]).toEqual([text, false])
})

test.each([
  'date',
  'time',
  'date-time',
  'duration',
  'email',
  'hostname',
  'ipv4',
  'ipv6',
  'uri',
  'url',
  'uri-reference',
  'uri-template',
  'uuid',
  'regex',
  'json-pointer',
  'json-pointer-uri-fragment',
  'relative-json-pointer',
])('a long text is checked for the format %s at once', async (format) => {
  // A check that takes exponential time runs into the limit of the test.
  const pieces = ['a', 'a.', 'a-', '1:', '0', '/~0', '%41', '{a}', '{a,', '[', '\\', '"', ' ', 'P1Y', 'a@', '#', '//a']
  for (const piece of pieces) {
    for (const head of ['', 'http://', '"', '{', '#/', 'P']) {
      for (const tail of ['', '!^', '\n']) await fits({ format }, head + piece.repeat(20_000) + tail)
    }
  }
})

// Ajv is wrong about `contains` in `items`, and about what unions have evaluated: these keywords are in the rules above.
describe('the outcome is that of Ajv', () => {
  const name = fc.constantFrom('a', 'b', 'ab')
  const scalar = fc.constantFrom(null, true, false, 0, 1, 2, 1.5, '', 'a', 'b', 'ab')
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      scalar,
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(name, tie('value'), { maxKeys: 3 }),
    ),
  }))
  /** Objects with a few of these members. */
  const someOf = (members: Record<string, fc.Arbitrary<unknown>>) => {
    const entries = Object.entries(members).map(([key, each]) => fc.tuple(fc.constant(key), each))
    return fc.array(fc.oneof(...entries), { maxLength: 3 }).map((list): unknown => Object.fromEntries(list))
  }
  // Ajv honours the keywords beside `$ref` in draft-07 too.
  const references = fc.constantFrom({ $ref: '#/$defs/one' }, { $ref: '#/$defs/two' })
  const { schema } = fc.letrec((tie) => {
    const list = fc.array(tie('schema'), { minLength: 1, maxLength: 3 })
    const map = fc.dictionary(name, tie('schema'), { maxKeys: 2 })
    const small = fc.nat({ max: 2 })
    const type = fc.constantFrom('object', 'array', 'string', 'number', 'integer', 'null', 'boolean')
    return {
      schema: fc.oneof({ maxDepth: 4 }, fc.constantFrom<unknown>(true, {}, false), references, tie('keywords')),
      keywords: someOf({
        type: fc.oneof(type, fc.uniqueArray(type, { minLength: 1, maxLength: 3 })),
        enum: fc.array(scalar, { minLength: 1, maxLength: 3 }),
        const: value,
        minimum: small,
        exclusiveMaximum: small,
        multipleOf: fc.constantFrom(0.5, 1, 2),
        minLength: small,
        maxLength: small,
        pattern: fc.constantFrom('^a', 'b$'),
        minItems: small,
        maxItems: small,
        uniqueItems: fc.boolean(),
        minProperties: small,
        maxProperties: small,
        required: fc.uniqueArray(name, { maxLength: 2 }),
        properties: map,
        patternProperties: fc.dictionary(fc.constantFrom('^a', 'b$'), tie('schema'), { maxKeys: 2 }),
        additionalProperties: tie('schema'),
        propertyNames: tie('schema'),
        items: tie('schema'),
        allOf: list,
        anyOf: list,
        oneOf: list,
        not: tie('schema'),
        if: tie('schema'),
        // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
        then: tie('schema'),
        else: tie('schema'),
        dependentRequired: fc.dictionary(name, fc.uniqueArray(name, { maxLength: 2 }), { maxKeys: 2 }),
        dependentSchemas: map,
      }),
    }
  })

  /** Undefined where the code that Ajv generates throws, as it does for some unions. */
  function outcomeOf(check: (value: unknown) => { valid: boolean }, given: unknown): boolean | undefined {
    try {
      return check(given).valid
    } catch {
      return undefined
    }
  }

  test.each(Object.entries(DIALECTS))(
    'in %s',
    async (_dialect, $schema) => {
      const ajv = new AjvJsonSchemaValidator()
      const root = fc.tuple(schema, schema, schema).filter((each) => each.every((part) => typeof part === 'object'))
      await fc.assert(
        fc.asyncProperty(root, fc.array(value, { minLength: 5, maxLength: 10 }), async ([at, one, two], values) => {
          // Parts that refer to one another might never come to an end.
          const defs = JSON.parse(JSON.stringify({ one, two }).replaceAll('"$ref":', '"x":'))
          const full = JSON.parse(JSON.stringify({ $schema, $defs: defs, allOf: [at] }))
          const theirs = ajv.getValidator(full)
          const ours = jsonSchemaCheck(full)
          for (const each of JSON.parse(JSON.stringify(values))) {
            const valid = outcomeOf(theirs, each)
            const checked = await ours(each)
            if (valid === undefined || (!checked.ok && checked.problems.includes('steps'))) continue
            expect([each, checked.ok]).toEqual([each, valid])
            // Problems are found only where there are some.
            if (!checked.ok) expect(checked.problems).not.toContain('The value does not fit')
          }
        }),
        { numRuns: 300 },
      )
    },
    60_000,
  )
})
