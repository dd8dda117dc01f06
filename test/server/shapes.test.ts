/** Raw shapes: listed and checked as the object of the same fields. */
import * as v from 'valibot'
import { describe, expect, it, test } from 'vitest'
import { z } from 'zod'
import * as mini from 'zod/mini'
import { z as z3 } from 'zod/v3'
import type { JsonObject } from '../../lib/protocol/jsonrpc.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import type { RawShape, Schema } from '../../lib/server/schema/schema.ts'
import { compileSchema } from '../../lib/server/schema/schema.ts'
import { call, fakeChannel, request } from './fake-channel.ts'
import { listedBySdk1, listedBySdk2 } from './official-list.ts'

const SIDES = ['inputSchema', 'outputSchema'] as const

async function listedByUs(side: (typeof SIDES)[number], schema: Schema): Promise<JsonObject> {
  const server = new McpServer({ name: 'shapes', version: '1' })
  server.registerTool('tool', { [side]: schema }, (() => ({ content: [] })) as never)
  return (await request(server, 'tools/list')).tools[0][side]
}

interface Node {
  value: string
  children: Node[]
}
const node: z.ZodType<Node> = z.object({
  value: z.string(),
  get children() {
    return z.array(node)
  },
})
const named = z.object({ street: z.string() }).meta({ id: 'Address' })
const tree = z.object({
  get of(): z.ZodOptional<typeof node> {
    return node.optional()
  },
})

const SHAPES: [name: string, shape: Record<string, z.ZodType>][] = [
  ['texts and numbers', { name: z.string().min(2), age: z.number().optional() }],
  ['defaults', { unit: z.string().default('m'), n: z.int().positive() }],
  ['descriptions', { a: z.string().describe('First').meta({ title: 'A' }), b: z.boolean().describe('Second') }],
  [
    'choices and lists',
    { kind: z.enum(['a', 'b']), tags: z.array(z.string()).max(3), both: z.union([z.string(), z.number()]) },
  ],
  [
    'objects and records',
    { where: z.object({ x: z.number(), y: z.number().optional() }), of: z.record(z.string(), z.int()) },
  ],
  ['nothing required', { a: z.string().optional(), b: z.string().nullish() }],
  ['any value', { a: z.unknown(), b: z.any() }],
  ['a preprocessing', { a: z.preprocess((text) => text, z.string().optional()), b: z.string().catch('x') }],
  ['a pipe', { a: z.string().transform(Number).pipe(z.number()) }],
  ['a coercion', { a: z.coerce.number(), b: z.coerce.boolean() }],
  ['one named part twice', { home: named, work: named.optional() }],
  ['a recursive field', { root: node, name: z.string() }],
]

describe.each(SHAPES)('a shape with %s', (_name, shape) => {
  it.each(SIDES)('is listed like the object of its fields, as %s', async (side) => {
    const ours = await listedByUs(side, shape)
    // A recursive field is a definition in both, by names of their own.
    const nameless = (json: JsonObject) => JSON.parse(JSON.stringify(json).replaceAll(/__schema\d+|root(?=["/])/g, 'x'))
    expect(nameless(ours)).toEqual(nameless(await listedByUs(side, z.object(shape))))
    expect(nameless(ours)).toEqual(nameless((await listedBySdk2({ [side]: shape }))[side] as JsonObject))
    const { $schema, ...sdk1 } = (await listedBySdk1({ [side]: shape }))[side] as JsonObject
    expect($schema).toBe('http://json-schema.org/draft-07/schema#')
    const asDraft7 = JSON.parse(JSON.stringify(ours).replaceAll('$defs', 'definitions'))
    const withoutAllOf = JSON.parse(JSON.stringify(sdk1).replaceAll(/\{"allOf":\[(\{"\$ref":"[^"]+"\})\]\}/g, '$1'))
    expect(nameless({ ...asDraft7, $schema: undefined })).toEqual(nameless(withoutAllOf))
  })
})

test.each(SIDES)('a shape of zod 3 is listed as SDK 1.x lists it, as %s', async (side) => {
  const address = z3.object({ street: z3.string() })
  const shape = {
    name: z3.string().min(2).describe('Whom'),
    age: z3.number().int().optional(),
    kind: z3.enum(['a', 'b']).default('a'),
    word: z3.string().optional().describe('A word'),
    even: z3
      .number()
      .optional()
      .refine((n) => n === undefined || n % 2 === 0),
    pair: z3.tuple([z3.string(), z3.number()]),
    home: address,
  }
  expect(await listedByUs(side, shape)).toEqual((await listedBySdk1({ [side]: shape }))[side])
})

describe('references of fields', () => {
  const jsonOf = (shape: RawShape) => compileSchema(shape, 'input', 'a shape').json

  it('lead to the definitions of the whole, where equal names of different parts are told apart', () => {
    const one = z.object({ one: z.string() }).meta({ id: 'Part' })
    const { properties, $defs } = jsonOf({
      a: {
        '~standard': {
          ...standard('a'),
          jsonSchema: written({ $ref: '#/$defs/Part', $defs: { Part: { type: 'string' } } }),
        },
      },
      b: z.object({ inner: one, again: one }),
      c: {
        '~standard': {
          ...standard('c'),
          jsonSchema: written({
            items: { $ref: '#/definitions/List' },
            definitions: { List: { items: { $ref: '#/definitions/Part' } }, Part: { type: 'number' } },
          }),
        },
      },
    })
    expect(properties).toMatchObject({ a: { $ref: '#/$defs/Part' }, c: { items: { $ref: '#/$defs/List' } } })
    expect($defs).toMatchObject({
      Part: { type: 'string' },
      List: { items: { $ref: '#/$defs/Part_2' } },
      Part_2: { type: 'number' },
    })
    const other = (properties as { b: { properties: { inner: { $ref: string } } } }).b.properties.inner.$ref
    expect(($defs as JsonObject)[other.replace('#/$defs/', '')]).toMatchObject({
      properties: { one: { type: 'string' } },
    })
  })

  it('to a part that zod 3 wrote once lead to that part', () => {
    const name = z3.object({ first: z3.string() })
    const { json } = compileSchema({ pair: z3.object({ a: name, b: name }), n: z3.number() }, 'input', 'a shape')
    expect(json.properties).toEqual({ pair: { $ref: '#/$defs/pair' }, n: { type: 'number' } })
    expect(json.$defs).toMatchObject({ pair: { properties: { b: { $ref: '#/$defs/pair/properties/a' } } } })
  })

  it('and lists of items are those of 2020-12 where libraries write different dialects', () => {
    const { $schema, properties } = jsonOf({ pair: z3.tuple([z3.string(), z3.number()]), n: z.number() })
    expect($schema).toBe('https://json-schema.org/draft/2020-12/schema')
    expect(properties).toMatchObject({ pair: { type: 'array', prefixItems: [{ type: 'string' }, { type: 'number' }] } })
  })
})

const standard = (vendor: string) => ({
  vendor,
  version: 1 as const,
  validate: (value: unknown) => ({ value }),
})
const written = (json: JsonObject) => ({ input: () => json, output: () => json })

describe('a value of a shape', () => {
  const shape = {
    name: z.string().min(2),
    age: z3.number().int(),
    city: v.pipe(v.string(), v.minLength(2)),
    ok: mini.optional(mini.boolean()),
    n: z.coerce.number().default(1),
  }
  const server = new McpServer({ name: 'shapes', version: '1' })
  server.registerTool('mixed', { inputSchema: shape }, (args) => ({ structuredContent: args }))

  it('is parsed field by field, by the libraries of the fields, without members that have no field', async () => {
    const args = { name: 'Ann', age: 3, city: 'Bern', n: '7', other: 1, __proto__: 2 }
    const { structuredContent } = await call(server, 'mixed', args)
    expect(structuredContent).toEqual({ name: 'Ann', age: 3, city: 'Bern', n: 7 })
    expect(Object.keys(structuredContent)).not.toContain('ok')
  })

  it('is refused with the problems of all fields, each with its path', async () => {
    const { content, isError } = await call(server, 'mixed', { name: 'A', age: 'x', city: 'B', ok: 'no' })
    expect(isError).toBe(true)
    for (const field of ['name', 'age', 'city', 'ok']) expect(content[0].text).toMatch(new RegExp(`(^|[ ;])${field}: `))
  })

  it('has a field for each member of its own only', async () => {
    const odd = new McpServer({ name: 'shapes', version: '1' })
    odd.registerTool('t', { inputSchema: { constructor: z.string().optional(), toString: z.string() } }, (args) => ({
      structuredContent: args,
    }))
    expect((await call(odd, 't', { toString: 'x' })).structuredContent).toEqual({ toString: 'x' })
    expect((await call(odd, 't', {})).content[0].text).toContain('toString: ')
  })

  it('is checked at once where its fields are, and waited for where they are not', async () => {
    const { check } = compileSchema({ a: z.string(), b: z3.number().optional() }, 'input', 'a shape')
    expect(check({ a: 'x' })).toEqual({ ok: true, value: { a: 'x' } })
    const free = z.string().refine(async (name) => name !== 'taken', 'is taken')
    const slow = compileSchema({ a: free, b: z.number() }, 'input', 'a shape').check({ a: 'taken', b: 'x' })
    expect(slow).toBeInstanceOf(Promise)
    expect(await slow).toMatchObject({ ok: false, problems: expect.stringMatching(/^a: is taken; b: /) })
  })

  it.each([
    ['z.unknown', z.unknown()],
    ['z.coerce', z.coerce.string()],
  ])('needs a member for %s, as z.object does', (_name, field) => {
    const { check } = compileSchema({ a: field }, 'input', 'a shape')
    expect(z.object({ a: field }).safeParse({}).success).toBe(false)
    expect(check({})).toEqual({ ok: false, problems: 'a: A value is needed.' })
    expect(check({ a: 'x' })).toMatchObject({ ok: true })
  })

  it.each([
    ['a catch', z.string().catch('x')],
    ['a catch of zod/mini', mini.catch(mini.string(), 'x')],
    ['a preprocessing', z.preprocess((text) => text ?? 'x', z.string())],
    ['a transform', z.transform((text) => text ?? 'x').pipe(z.string())],
  ])('may lack a member that is listed as required, for %s, as z.object has it', (_name, field) => {
    const { check, json } = compileSchema({ a: field }, 'input', 'a shape')
    expect(json.required).toEqual(['a'])
    expect(check({})).toEqual({ ok: true, value: { a: 'x' } })
    expect(z.object({ a: field }).parse({})).toEqual({ a: 'x' })
  })

  it.each([
    ['4.3', z.unknown(), { minor: 3 }, {}],
    ['4.3', z.string().catch('x'), { minor: 3 }, { a: 'x' }],
    ['4.4', z.preprocess(() => 'x', z.string().optional()), { minor: 4 }, { a: 'x' }],
    ['4.5', z.preprocess(() => 'x', z.string().optional()), { minor: 5 }, {}],
    ['4.5', z.string().default('x').optional(), { minor: 5 }, { a: 'x' }],
  ])('may lack a member as the z.object of zod %s has it', (_release, field, version, value) => {
    Object.assign(field._zod, { version })
    expect(compileSchema({ a: field }, 'input', 'a shape').check({})).toEqual({ ok: true, value })
  })

  it.each([
    ['optional', z.string().optional(), {}],
    ['a default', z.string().default('x'), { a: 'x' }],
    ['exact optional', z.exactOptional(z.string()), {}],
    ['a preprocessing', z.preprocess((text) => text ?? 'x', z.string().optional()), {}],
    ['an optional of zod 3', z3.string().optional(), {}],
    ['a default of zod 3', z3.string().default('x'), { a: 'x' }],
    ['an optional of valibot', v.optional(v.string()), {}],
    ['an exact optional of valibot', v.exactOptional(v.string()), {}],
    ['a default of valibot', v.optional(v.string(), 'x'), { a: 'x' }],
  ] as [string, RawShape[string], JsonObject][])('may lack a member with %s', (_name, field, value) => {
    const { check, json } = compileSchema({ a: field }, 'input', 'a shape')
    expect(json.required).toBeUndefined()
    expect(check({})).toEqual({ ok: true, value })
  })
})

describe('an empty shape', () => {
  const server = new McpServer({ name: 'shapes', version: '1' })
  server.registerTool('any', { inputSchema: {} }, (args, ctx) => ({
    structuredContent: { args, revision: ctx.revision },
  }))
  server.registerTool('none', {}, () => ({ structuredContent: {} }))
  server.registerTool('open', { outputSchema: {} }, () => ({ structuredContent: { a: 1 } }))

  it('has no arguments: it is listed like a tool without a schema, and its handler gets an empty object', async () => {
    const { tools } = await request(server, 'tools/list')
    expect(tools[0].inputSchema).toEqual({ type: 'object', properties: {} })
    expect(tools[1].inputSchema).toEqual(tools[0].inputSchema)
    const { $schema, ...official } = (await listedBySdk1({ inputSchema: {} })).inputSchema as JsonObject
    expect(official).toEqual(tools[0].inputSchema)
    expect((await call(server, 'any', { a: 1 })).structuredContent).toEqual({ args: {}, revision: '2025-11-25' })
  })

  it('is the schema of any object as a result', async () => {
    const { tools } = await request(server, 'tools/list')
    expect(tools[2].outputSchema).toEqual({ type: 'object', properties: {} })
    expect((await call(server, 'open')).structuredContent).toEqual({ a: 1 })
  })
})

test('the shape of an object is a shape, also with fields that are named like keywords', async () => {
  const shape = {
    type: z.string(),
    properties: z.string(),
    shape: z.string(),
    entries: z.string(),
    $schema: z.string().optional(),
  }
  expect(await listedByUs('inputSchema', z.object(shape).shape)).toEqual(
    await listedByUs('inputSchema', z.object(shape)),
  )
  expect(await listedByUs('inputSchema', z3.object({ type: z3.string() }).shape)).toMatchObject({ required: ['type'] })
})

test('a field of recursive getters is listed', async () => {
  expect(await listedByUs('inputSchema', tree.shape)).toMatchObject({ type: 'object', properties: { of: {} } })
})

test('results fit as the JSON that is sent', async () => {
  const server = new McpServer({ name: 'shapes', version: '1' })
  const outputSchema = { at: z.date(), note: z.string().optional(), sum: z.string() }
  const sum = { toJSON: () => '1.50' }
  server.registerTool('t', { outputSchema }, (() => ({
    structuredContent: { at: new Date(0), note: undefined, sum },
  })) as never)
  const { structuredContent } = await call(server, 't')
  expect(structuredContent).toEqual({ at: '1970-01-01T00:00:00.000Z', sum: '1.50' })
})

test('a form may be a shape', async () => {
  const server = new McpServer({ name: 'shapes', version: '1' })
  server.registerTool('ask', {}, async (ctx) => {
    const { content } = await ctx.elicit('?', { color: z.enum(['red', 'blue']), again: z3.boolean().optional() })
    return { structuredContent: { ...content } }
  })
  const channel = fakeChannel({
    capabilities: { elicitation: {} },
    answer: () => ({ action: 'accept', content: { color: 'red', other: 1 } }),
  })
  expect((await call(server, 'ask', {}, channel)).structuredContent).toEqual({ color: 'red' })
  expect(channel.asked[0]?.params?.requestedSchema).toEqual({
    type: 'object',
    properties: { color: { type: 'string', enum: ['red', 'blue'] }, again: { type: 'boolean' } },
    required: ['color'],
  })
})

test('the arguments of a prompt may be a shape', async () => {
  const server = new McpServer({ name: 'shapes', version: '1' })
  const argsSchema = { name: z.string().describe('Whom'), times: z.coerce.number().optional() }
  server.registerPrompt('greet', { argsSchema }, ({ name, times = 1 }) => ({
    messages: [{ role: 'user', content: { type: 'text', text: name.repeat(times) } }],
  }))
  const [prompt] = (await request(server, 'prompts/list')).prompts
  expect(prompt.arguments).toEqual([
    { name: 'name', description: 'Whom', required: true },
    { name: 'times', required: false },
  ])
  const { messages } = await request(server, 'prompts/get', { name: 'greet', arguments: { name: 'a', times: '3' } })
  expect(messages[0].content.text).toBe('aaa')
})

describe('neither a shape nor a JSON Schema is', () => {
  it.each([
    ['a shape with a text', { a: z.string(), b: 'text' }, /"b" is no schema of a library but "text"/],
    ['a shape with an object of schemas', { a: z.string(), b: { c: z.string() } }, /"b" is no schema .* but an object/],
    ['a shape with nothing', { a: z.string(), b: undefined }, /"b" is no schema of a library but undefined/],
    [
      'JSON Schema with a schema inside',
      { type: 'object', properties: { a: z.string() } },
      /a schema of a library inside at "a"/,
    ],
    [
      'fields of JSON Schema',
      { a: { type: 'string' }, b: { type: 'number' } },
      /no keyword of JSON Schema, only "a", "b"\..*properties/,
    ],
    ['a list', [z.string()], /must be a schema/],
    ['a text', 'object', /must be a schema/],
  ])('%s', (_name, schema, reason) => {
    for (const side of SIDES) {
      const server = new McpServer({ name: 'shapes', version: '1' })
      server.registerTool('tool', { [side]: schema as Schema }, () => ({ content: [] }))
      const serve = () => server.registry.compile()
      expect(serve).toThrow(reason)
      expect(serve).toThrow(`Tool "tool": ${side}`)
    }
  })
})
