/** Structured content is checked as the JSON that the client gets. */
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { JsonObject } from '../../lib/protocol/jsonrpc.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import type { Schema } from '../../lib/server/schema/schema.ts'
import { fakeChannel, request } from './fake-channel.ts'

async function call(outputSchema: Schema, structuredContent: unknown, content?: object[]) {
  const server = new McpServer({ name: 'output', version: '1' })
  const result = { structuredContent, ...(content && { content }) }
  server.registerTool('t', { outputSchema }, (() => result) as never)
  const channel = fakeChannel({ revision: '2026-07-28' })
  const answer = await request(server, 'tools/call', { name: 't' }, channel)
  // As it is sent.
  return JSON.parse(JSON.stringify(answer))
}

const object = (properties: object, more: object = {}): JsonObject => ({ type: 'object', properties, ...more })
const NOTE = object(
  { note: { type: 'string' }, id: { type: 'number' } },
  { required: ['id'], additionalProperties: false },
)

class Money {
  readonly cents: number
  constructor(cents: number) {
    this.cents = cents
  }
  toJSON() {
    return `${this.cents / 100} EUR`
  }
}

describe('with a JSON Schema', () => {
  test.each<[string, JsonObject, unknown, unknown]>([
    ['a member that is undefined', NOTE, { id: 1, note: undefined }, { id: 1 }],
    ['an unknown member that is undefined', NOTE, { id: 1, other: undefined }, { id: 1 }],
    ['a member that is a function', NOTE, { id: 1, other: () => {} }, { id: 1 }],
    ['a date', object({ at: { type: 'string' } }), { at: new Date(0) }, { at: '1970-01-01T00:00:00.000Z' }],
    ['an object with toJSON', object({ m: { type: 'string' } }), { m: new Money(150) }, { m: '1.5 EUR' }],
    ['a root with toJSON', { type: 'string' }, new Money(100), '1 EUR'],
    [
      'a map, which is an empty object',
      object({ m: { type: 'object', maxProperties: 0 } }),
      { m: new Map([[1, 2]]) },
      { m: {} },
    ],
    [
      'an item that is undefined, which is null',
      object({ l: { type: 'array', items: { type: 'null' } } }),
      { l: [undefined] },
      { l: [null] },
    ],
    ['a number that is none, which is null', object({ n: { type: 'null' } }), { n: Number.NaN }, { n: null }],
    [
      'an instance of a class',
      object({ x: { type: 'number' } }),
      new (class {
        x = 1
      })(),
      { x: 1 },
    ],
    [
      'an object without prototype',
      object({ x: { type: 'number' } }),
      Object.assign(Object.create(null), { x: 1 }),
      { x: 1 },
    ],
    ['deep nesting', { type: 'array' }, Array.from({ length: 150 }).reduce<unknown>((inner) => [inner], []), undefined],
  ])('%s fits as it is sent', async (_what, schema, value, sent) => {
    const result = await call(schema, value)
    expect(result.isError).toBeUndefined()
    if (sent !== undefined) expect(result.structuredContent).toEqual(sent)
    expect(JSON.parse(result.content[0].text)).toEqual(result.structuredContent)
  })

  test.each<[string, JsonObject, unknown]>([
    ['a required member that is undefined', NOTE, { id: undefined }],
    ['a date where an object belongs', object({ at: { type: 'object' } }), { at: new Date(0) }],
    ['a map where members belong', object({ m: object({}, { minProperties: 1 }) }), { m: new Map([['a', 1]]) }],
    ['a number that is none', object({ n: { type: 'number' } }), { n: Number.POSITIVE_INFINITY }],
    ['an item that is undefined', object({ l: { type: 'array', items: { type: 'string' } } }), { l: [undefined] }],
    ['a hole in an array', object({ l: { type: 'array', items: { type: 'string' } } }), { l: new Array(1) }],
  ])('%s does not fit', async (_what, schema, value) => {
    const result = await call(schema, value)
    expect(result).toMatchObject({ isError: true })
    expect(result.content[0].text).toContain('does not fit its output schema')
  })

  test('what is not JSON is named with its place', async () => {
    const circular: { self?: unknown } = {}
    circular.self = circular
    for (const [value, fault] of [
      [{ id: 1n }, 'structuredContent.id is a BigInt'],
      [circular, 'structuredContent.self is circular'],
    ] as const) {
      const result = await call({ type: 'object' }, value)
      expect(result.isError).toBe(true)
      expect(result.content[0].text).toContain(fault)
    }
  })
})

describe('with a schema of a library', () => {
  test('a value that the schema turns into JSON is given to it as it is', async () => {
    const schema = z.object({
      at: z
        .custom<Date>((value) => value instanceof Date)
        .transform((at) => at.getTime())
        .pipe(z.number()),
    })
    expect((await call(schema, { at: new Date(5) })).structuredContent).toEqual({ at: 5 })
  })

  test.each<[string, Schema, unknown, unknown]>([
    [
      'a member that is undefined',
      z.strictObject({ id: z.number(), note: z.string().optional() }),
      { id: 1, note: undefined },
      { id: 1 },
    ],
    ['an unknown member that is undefined', z.strictObject({ id: z.number() }), { id: 1, other: undefined }, { id: 1 }],
    ['a date', z.object({ at: z.iso.datetime() }), { at: new Date(0) }, { at: '1970-01-01T00:00:00.000Z' }],
    ['an object with toJSON', z.object({ m: z.string() }), { m: new Money(150) }, { m: '1.5 EUR' }],
  ])('%s fits as it is sent', async (_what, schema, value, sent) => {
    const result = await call(schema, value)
    expect(result.isError).toBeUndefined()
    expect(result.structuredContent).toEqual(sent)
  })

  test('what does not fit as JSON is refused', async () => {
    expect(await call(z.object({ at: z.number() }), { at: new Date(0) })).toMatchObject({ isError: true })
    expect(await call(z.object({ n: z.number() }), { n: Number.NaN })).toMatchObject({ isError: true })
  })
})

test('a result without an output schema is read once, when it is sent', async () => {
  let read = 0
  const structuredContent = { toJSON: () => ({ read: ++read }) }
  const server = new McpServer({ name: 'output', version: '1' })
  server.registerTool('t', {}, () => ({ content: [], structuredContent }))
  // The test's request writes the result, as a call does.
  await request(server, 'tools/call', { name: 't' }, fakeChannel({ revision: '2026-07-28' }))
  expect(read).toBe(1)
})
