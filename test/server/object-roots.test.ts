/** Roots of schemas, as this server and the official one (2.4) list them, schema by schema. */
import { Client } from '@modelcontextprotocol/client'
import { fromJsonSchema, InMemoryTransport, McpServer as OfficialServer } from '@modelcontextprotocol/server'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { JsonObject } from '../../lib/protocol/jsonrpc.ts'
import type { Revision } from '../../lib/protocol/revisions.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import type { Schema } from '../../lib/server/schema/schema.ts'
import { call, fakeChannel, request } from './fake-channel.ts'

const A = z.object({ a: z.string() }).meta({ id: 'RootA' })
const B = z.object({ b: z.string() }).meta({ id: 'RootB' })
const C = z.object({ kind: z.literal('c') })
const D = z.object({ kind: z.literal('d') })
const object = (name: string) => ({ type: 'object', properties: { [name]: { type: 'string' } } })
const parts = { $defs: { one: object('a'), two: object('b'), either: { anyOf: [{ $ref: '#/$defs/one' }] } } }

/** Schemas of objects, with arguments that fit. */
const OBJECTS: [name: string, schema: Schema, fits: JsonObject][] = [
  ['an object', z.object({ a: z.string() }), { a: 'x' }],
  ['an object with other members', z.looseObject({ a: z.string() }), { a: 'x', b: 1 }],
  ['a record', z.record(z.string(), z.number()), { a: 1 }],
  ['a named root', A, { a: 'x' }],
  ['a union', z.union([C, D]), { kind: 'c' }],
  ['a union by a member', z.discriminatedUnion('kind', [C, D]), { kind: 'd' }],
  ['a nested union', z.union([z.union([C, D]), z.object({ e: z.string() })]), { e: 'x' }],
  ['a nested union by a member', z.discriminatedUnion('kind', [z.discriminatedUnion('kind', [C]), D]), { kind: 'c' }],
  ['a union of named parts', z.union([A, B]), { b: 'x' }],
  ['a named union', z.union([C, D]).meta({ id: 'RootU' }), { kind: 'c' }],
  ['a named union of named parts', z.union([A, B]).meta({ id: 'RootN' }), { b: 'x' }],
  [
    'an intersection',
    z.intersection(z.looseObject({ a: z.string() }), z.looseObject({ b: z.string() })),
    { a: 'x', b: 'y' },
  ],
  ['a lazy object', z.lazy(() => A), { a: 'x' }],
  ['JSON Schema with allOf', { allOf: [object('a'), object('b')] }, { a: 'x', b: 'y' }],
  ['JSON Schema with $ref', { $ref: '#/$defs/one', ...parts }, { a: 'x' }],
  [
    'JSON Schema with $ref to $ref',
    { $ref: '#/$defs/again', $defs: { ...parts.$defs, again: { $ref: '#/$defs/one' } } },
    { a: 'x' },
  ],
  ['JSON Schema with an anchor', { $ref: '#here', $defs: { one: { $anchor: 'here', ...object('a') } } }, { a: 'x' }],
  ['JSON Schema with $ref to a union', { $ref: '#/$defs/either', ...parts }, { a: 'x' }],
  ['JSON Schema with oneOf of $ref', { oneOf: [{ $ref: '#/$defs/one' }], ...parts }, { a: 'x' }],
  ['JSON Schema with anyOf of allOf', { anyOf: [{ allOf: [object('a')] }, object('b')] }, { a: 'x' }],
  ['JSON Schema with allOf of an object and a bound', { allOf: [object('a'), { minProperties: 1 }] }, { a: 'x' }],
  ['JSON Schema with properties alone', { properties: { a: { type: 'string' } } }, { a: 'x' }],
  ['JSON Schema with required alone', { required: ['a'] }, { a: 1 }],
  ['JSON Schema with type: ["object"]', { type: ['object'], properties: { a: {} } }, { a: 1 }],
  [
    'draft-07 with $ref',
    { $schema: 'http://json-schema.org/draft-07/schema#', $ref: '#/definitions/a', definitions: { a: object('a') } },
    { a: 'x' },
  ],
]

/** Where this server says `type: "object"` and the official one does not: a reference it does not follow, and a type in a list. */
const WIDER = [
  'a named union',
  'a named union of named parts',
  'JSON Schema with $ref to $ref',
  'JSON Schema with an anchor',
  'JSON Schema with $ref to a union',
  'JSON Schema with allOf of an object and a bound',
  'JSON Schema with type: ["object"]',
]

const REVISIONS: Revision[] = ['2025-06-18', '2025-11-25', '2026-07-28']
const ok = (structuredContent: JsonObject) => ({ structuredContent })

function serverWith(inputSchema: Schema, outputSchema: Schema, result: JsonObject = {}): McpServer {
  const server = new McpServer({ name: 'roots', version: '1' })
  server.registerTool('tool', { inputSchema, outputSchema }, () => ok(result))
  // Schemas are compiled when the server is served.
  server.registry.compile()
  return server
}

async function listed(server: McpServer, revision: Revision) {
  return (await request(server, 'tools/list', {}, fakeChannel({ revision }))).tools[0]
}

/** The schemas of a tool as the official server lists them to its client, or undefined where it refuses. */
async function officially(schema: Schema, side: 'inputSchema' | 'outputSchema') {
  const server = new OfficialServer({ name: 'official', version: '1' })
  const given = '~standard' in schema ? schema : fromJsonSchema(schema as never)
  const client = new Client({ name: 'client', version: '1' })
  try {
    server.registerTool('tool', { [side]: given } as never, (() => ({ content: [] })) as never)
    const [near, far] = InMemoryTransport.createLinkedPair()
    await Promise.all([server.connect(far), client.connect(near as never)])
    return (await client.listTools()).tools[0]?.[side] as JsonObject | undefined
  } catch {
    return undefined
  } finally {
    await client.close()
  }
}

describe.each(OBJECTS)('%s', (name, schema, fits) => {
  it.each(REVISIONS)('is listed as arguments and as a result with the type of an object in %s', async (revision) => {
    const { inputSchema, outputSchema } = await listed(serverWith(schema, schema), revision)
    expect(inputSchema.type).toBe('object')
    expect(outputSchema.type).toBe('object')
  })

  it('checks what it lists', async () => {
    for (const revision of REVISIONS) {
      const channel = fakeChannel({ revision })
      const result = await call(serverWith(schema, schema, fits), 'tool', fits, channel)
      expect(result).toMatchObject({ structuredContent: fits })
      expect(result.isError).toBeUndefined()
    }
  })

  it('is listed as the official server lists it', async () => {
    const ours = await listed(serverWith(schema, schema), '2025-11-25')
    const theirs = { input: await officially(schema, 'inputSchema'), output: await officially(schema, 'outputSchema') }
    if (name === 'JSON Schema with type: ["object"]') expect(theirs.input).toBeUndefined()
    else expect(ours.inputSchema).toEqual(theirs.input)
    // Up to 2025-11-25 the official server wraps a result that it does not recognise.
    if (WIDER.includes(name)) expect(theirs.output).toMatchObject({ required: ['result'] })
    else expect(ours.outputSchema).toEqual(theirs.output)
  })
})

describe.each([
  ['text', z.string()],
  ['a union of a text and a number', z.union([z.string(), z.number()])],
  ['a list', { type: 'array', items: object('a') }],
  ['a named text', { $ref: '#/$defs/a', $defs: { a: { type: 'string' } } }],
  ['an intersection of an object and a text', { allOf: [object('a'), { type: 'string' }] }],
  ['false', { allOf: [false] }],
] as [string, Schema][])('%s', (_name, schema) => {
  it('is refused as the schema of arguments, because no arguments fit', () => {
    expect(() => serverWith(schema, z.object({}))).toThrow(/must describe an object/)
  })
})

it.each([
  ['a union of an object and a text', z.union([C, z.string()])],
  ['a nullable object', z.object({ a: z.string() }).nullable()],
  ['anything', z.unknown()],
  ['JSON Schema with a list of types', { type: ['object', 'null'] }],
  ['a schema that refers to itself', { $ref: '#' }],
] as [string, Schema][])(
  '%s is the schema of any arguments that fit, and not of an object as a result',
  async (_, schema) => {
    const server = serverWith(schema, schema)
    expect((await listed(server, '2025-11-25')).inputSchema.type).toBe('object')
    expect((await listed(server, '2025-11-25')).outputSchema).toBeUndefined()
    expect((await listed(server, '2026-07-28')).outputSchema.type).not.toBe('object')
  },
)

describe('arguments of a prompt', () => {
  const argumentsOf = async (argsSchema: Schema) => {
    const server = new McpServer({ name: 'roots', version: '1' })
    server.registerPrompt('prompt', { argsSchema }, () => ({ messages: [] }))
    const [prompt] = (await request(server, 'prompts/list')).prompts
    return prompt.arguments.map(({ name, required }: JsonObject) => [name, required])
  }

  it.each([
    ['a named root', A, [['a', true]]],
    [
      'an intersection',
      z.intersection(A, B),
      [
        ['a', true],
        ['b', true],
      ],
    ],
    [
      'a union of named parts',
      z.union([A, B]),
      [
        ['a', false],
        ['b', false],
      ],
    ],
    ['a named union', z.union([C, D]).meta({ id: 'RootP' }), [['kind', true]]],
    [
      'JSON Schema that refers to itself',
      { $ref: '#/$defs/one', $defs: { one: { ...object('a'), allOf: [{ $ref: '#/$defs/one' }] } } },
      [['a', false]],
    ],
  ] as [string, Schema, unknown[]][])('are found in %s', async (_name, schema, found) => {
    expect(await argumentsOf(schema)).toEqual(found)
  })
})
