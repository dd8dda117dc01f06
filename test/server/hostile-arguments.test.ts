/** Arguments that would keep the checker busy, or make its answer long. A check that hangs runs into the test's limit. */
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { jsonSchemaCheck } from '../../lib/server/schema/json-schema.ts'
import { call } from './fake-channel.ts'

async function problems(schema: object, value: unknown): Promise<string> {
  const checked = await jsonSchemaCheck(schema as never)(value)
  return checked.ok ? '' : checked.problems
}

const EITHER = { anyOf: [{ type: 'string' }, { type: 'object', required: ['name'], properties: { name: {} } }] }

describe('many wrong items', () => {
  test.each([
    ['of one type', { type: 'array', items: { type: 'string' } }, Array(200_000).fill(1)],
    ['of several', { type: 'array', items: EITHER }, Array(200_000).fill(1)],
    ['of several, few enough to be told apart', { type: 'array', items: EITHER }, Array(900).fill(1)],
    [
      'by name',
      { type: 'object', additionalProperties: false },
      Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`k${i}`, 1])),
    ],
  ])('%s have a short text of problems', async (_what, schema, value) => {
    const text = await problems(schema, value)
    expect(text).not.toBe('')
    expect(text.length).toBeLessThan(6_000)
  })

  test('have each their own alternatives, and those of no other item', async () => {
    const said = await problems({ type: 'array', items: EITHER }, ['a', 1, {}])
    expect(said.split('; ')).toEqual([
      '1: One of these must be put right: Instance type "number" is invalid. Expected "string" | Instance type "number" is invalid. Expected "object"',
      '2: One of these must be put right: Instance type "object" is invalid. Expected "string" | Instance does not have required property "name"',
    ])
  })
})

test('names of any length, from any library, do not make the answer long', async () => {
  const server = new McpServer({ name: 'hostile', version: '1' })
  server.registerTool('strict', { inputSchema: z.strictObject({}) }, () => ({ content: [] }))
  const sent = Object.fromEntries(Array.from({ length: 50_000 }, (_, i) => [`key-${i}`, 1]))
  const result = await call(server, 'strict', sent)
  expect(JSON.stringify(result).length).toBeLessThan(6_000)
})

test('the paths of thousands of problems are not written, of which ten are listed', async () => {
  let written = 0
  const step = {
    get key() {
      written++
      return 'a name of the client'
    },
  }
  const issues = Array.from({ length: 10_000 }, () => ({ message: 'wrong', path: [step] }))
  const schema = {
    '~standard': {
      version: 1 as const,
      vendor: 'own',
      validate: () => ({ issues }),
      jsonSchema: { input: () => ({ type: 'object' }), output: () => ({ type: 'object' }) },
    },
  }
  const server = new McpServer({ name: 'hostile', version: '1' })
  server.registerTool('wrong', { inputSchema: schema }, () => ({ content: [] }))
  expect(JSON.stringify(await call(server, 'wrong', {}))).toContain('and 9990 more')
  expect(written).toBe(10)
})

test('a text that is nearly a URL is refused at once', async () => {
  const schema = { type: 'string', format: 'url' }
  expect(await problems(schema, `http://${'a'.repeat(5_000)}`)).toBe('')
  expect(await problems(schema, `http://${'a-'.repeat(5_000)}!^`)).not.toBe('')
  expect(await problems(schema, 'https://example.com/x?y=1')).toBe('')
})

const TAGS = { type: 'object', properties: { tags: { type: 'array', uniqueItems: true } } }
/** Lists of objects and lists with equal beginnings: the worst that a comparison of pairs can get. */
const long = (n: number) => Array.from({ length: n }, (_, i) => ({ name: 'a tag', more: [i, { x: 'y' }] }))

test('a long array is checked for repeats, each item once', async () => {
  expect(await problems(TAGS, { tags: Array.from({ length: 400_000 }, (_, i) => i) })).toBe('')
  expect(await problems(TAGS, { tags: long(100_000) })).toBe('')
  const [first] = long(1)
  expect(await problems(TAGS, { tags: [...long(100_000), { more: first?.more, name: first?.name }] })).toMatch(
    /tags: .*twice/,
  )
})

test.each([
  ['equal numbers', [1, 2, 1]],
  ['1 and 1.0', [1, JSON.parse('1.0')]],
  ['0 and -0', [0, -0]],
  [
    'equal objects with their members in another order',
    [
      { a: 1, b: [2] },
      { b: [2], a: 1 },
    ],
  ],
  ['null and null', [null, null]],
])('%s are a repeat', async (_what, tags) => {
  expect(await problems(TAGS, { tags })).toMatch(/tags/)
})

test.each([
  ['a number and its text', [1, '1', true, 'true', null, 'null', 0, false, '']],
  ['an object and its text', [{ a: 1 }, '{"a":1}', [1], '[1]', [[1]]]],
  ['objects with other members', [{}, { a: 1 }, { a: '1' }, { b: 1 }, { a: 1, b: 1 }]],
])('%s are no repeat', async (_what, tags) => {
  expect(await problems(TAGS, { tags })).toBe('')
})

/** A list of lists of lists … */
function nested(levels: number, inner: unknown): unknown {
  let value = inner
  for (let level = 0; level < levels; level++) value = [value]
  return value
}

const TREE = {
  anyOf: [{ type: 'array', items: { $ref: '#' } }, { type: 'array', items: { $ref: '#' } }, { type: 'number' }],
}

describe('a check whose steps grow with each level of the value', () => {
  test.each([
    ['anyOf', TREE, nested(60, 'x')],
    [
      'oneOf',
      {
        oneOf: [
          { type: 'array', items: { $ref: '#' } },
          { items: { $ref: '#' }, minItems: 1 },
        ],
      },
      nested(60, 1),
    ],
    ['allOf', { allOf: [{ items: { $ref: '#' } }, { items: { $ref: '#' } }] }, nested(60, 1)],
    [
      'if',
      { if: { items: { $ref: '#' } }, else: { items: { $ref: '#' } }, type: ['array', 'number'] },
      nested(60, 'x'),
    ],
    [
      'not',
      {
        type: ['array', 'number'],
        anyOf: [{ not: { not: { items: { $ref: '#' } } } }, { not: { not: { items: { $ref: '#' } } } }],
      },
      nested(60, 'x'),
    ],
    [
      'contains',
      { type: ['array', 'number'], anyOf: [{ contains: { $ref: '#' } }, { contains: { $ref: '#' } }] },
      nested(60, 'x'),
    ],
    [
      'unevaluatedItems',
      {
        type: ['array', 'number'],
        anyOf: [{ prefixItems: [{ $ref: '#' }] }, { prefixItems: [{ $ref: '#' }] }],
        unevaluatedItems: { $ref: '#' },
      },
      nested(60, 'x'),
    ],
    [
      'a long text in it',
      {
        anyOf: [{ items: { $ref: '#' } }, { items: { $ref: '#' }, minItems: 1 }],
        type: ['array', 'string'],
        pattern: '^a*b$',
      },
      nested(10, 'a'.repeat(1_000_000)),
    ],
  ])('%s: the value is refused with the number of steps', async (_what, schema, value) => {
    expect(await problems(schema, value)).toMatch(/more than \d+ steps \(10000, and 200 for each of its members\)/)
  })

  test('is refused as a result too, and the tool goes on', async () => {
    const server = new McpServer({ name: 'hostile', version: '1' })
    const outputSchema = {
      type: 'object',
      properties: { tree: { $ref: '#/$defs/tree' } },
      $defs: { tree: JSON.parse(JSON.stringify(TREE).replaceAll('"#"', '"#/$defs/tree"')) },
    }
    server.registerTool('tree', { outputSchema, inputSchema: outputSchema }, (args) => ({ structuredContent: args }))
    server.registerTool('result', { outputSchema }, () => ({ structuredContent: { tree: nested(60, 'x') } }))
    for (const name of ['tree', 'result']) {
      const { content, isError } = await call(server, name, { tree: nested(60, 'x') })
      expect(isError).toBe(true)
      expect(content[0].text).toMatch(new RegExp(`"${name}".*more than \\d+ steps`))
    }
    expect(await call(server, 'tree', { tree: [[1], 2] })).toMatchObject({ structuredContent: { tree: [[1], 2] } })
  })

  test('is no longer for a small value, whatever its levels', async () => {
    expect(await problems(TREE, nested(8, 1))).toBe('')
    expect(await problems({ type: 'array', items: { $ref: '#' } }, nested(60, []))).toBe('')
  })

  test('has steps for each member of a value, so that many numbers fit', async () => {
    const numbers = { type: 'object', properties: { all: { type: 'array', items: { type: 'number', minimum: 0 } } } }
    // 4 MiB of JSON.
    expect(await problems(numbers, { all: Array(2_000_000).fill(1) })).toBe('')
    const texts = {
      type: 'array',
      items: { anyOf: [{ type: 'number' }, { type: 'string', pattern: '^a*$', maxLength: 4_000_000 }] },
    }
    expect(await problems(texts, ['a'.repeat(4_000_000)])).toBe('')
    expect(await problems(texts, Array(200_000).fill('aaa'))).toBe('')
  })
})

describe('multiples', () => {
  test.each([
    [0.3, 0.1, true],
    [0.35, 0.1, false],
    [1e308, 0.01, true],
    [1e-300, 0.01, false],
    [1e22, 1e21, true],
    [1e21, 1e22, false],
    [1.5e300, 1e299, true],
    [0, 0.1, true],
    [5e-324, 5e-324, true],
    [-0.6, 0.2, true],
    [4, 0, false],
    [0.5, 0, false],
  ])('%s of %s: %s', async (value, multipleOf, fits) => {
    expect((await problems({ multipleOf }, value)) === '').toBe(fits)
  })

  test('of decimals take steps of the check', async () => {
    expect(await problems({ items: { multipleOf: 0.01 } }, Array(100_000).fill(1e308))).toBe('')
    const each = { items: { allOf: Array(10).fill({ multipleOf: 0.01 }) } }
    expect(await problems(each, Array(1_000).fill(1))).toContain('steps')
  })
})

test('a value of very many levels, which only a result has, is refused, and a schema that only refers to itself', async () => {
  expect(await problems({ $ref: '#' }, 1)).toMatch(/levels/)
  expect(await problems({ type: ['array', 'string'], items: { $ref: '#' } }, nested(20_000, 'x'))).toMatch(/levels/)
})

test('the problem of the last of many items is named', async () => {
  const items = [...Array(300_000).fill('a'), 1]
  expect(await problems({ type: 'array', items: { type: 'string' } }, items)).toMatch(/^300000: .*"number"/)
  expect(await problems({ type: 'array', items: EITHER }, items)).toMatch(/^300000: One of these/)
})
