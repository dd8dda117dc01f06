import { toStandardJsonSchema } from '@valibot/to-json-schema'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import * as mini from 'zod/mini'
import { z as z3 } from 'zod/v3'
import type { JsonObject } from '../../lib/protocol/jsonrpc.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { compileOutputSchema } from '../../lib/server/schema/output.ts'
import { compileSchema, type Schema } from '../../lib/server/schema/schema.ts'
import { call, fakeChannel, request } from './fake-channel.ts'

/** A server with one tool that returns its arguments. */
function serverWith(inputSchema: Schema): McpServer {
  const server = new McpServer({ name: 'test', version: '1.0.0' })
  server.registerTool('tool', { inputSchema }, (args) => ({ content: [{ type: 'text', text: JSON.stringify(args) }] }))
  // Schemas are compiled when the server is served.
  server.registry.compile()
  return server
}

const callWith = async (server: McpServer, args: JsonObject) => {
  const { content, isError } = await call(server, 'tool', args)
  return { text: content[0].text as string, isError }
}

const plain = {
  type: 'object',
  properties: { city: { type: 'string', minLength: 2 }, days: { type: 'integer' } },
  required: ['city'],
}

/** A schema of zod 3 as releases before 3.24 have it. */
function withoutStandard<S extends object>(schema: S): S {
  return new Proxy(schema, { get: (target, name) => (name === '~standard' ? undefined : Reflect.get(target, name)) })
}

describe.each([
  ['zod', z.object({ city: z.string().min(2), days: z.int().optional() })],
  [
    'valibot',
    toStandardJsonSchema(
      v.object({ city: v.pipe(v.string(), v.minLength(2)), days: v.optional(v.pipe(v.number(), v.integer())) }),
    ),
  ],
  [
    'valibot alone',
    v.object({ city: v.pipe(v.string(), v.minLength(2)), days: v.optional(v.pipe(v.number(), v.integer())) }),
  ],
  ['zod/mini', mini.object({ city: mini.string().check(mini.minLength(2)), days: mini.optional(mini.int()) })],
  ['zod 3', z3.object({ city: z3.string().min(2), days: z3.number().int().optional() })],
  [
    'zod 3 before Standard Schema',
    withoutStandard(z3.object({ city: z3.string().min(2), days: z3.number().int().optional() })),
  ],
  ['a shape', { city: z.string().min(2), days: z3.number().int().optional() }],
  ['plain JSON Schema', plain],
] as [string, Schema][])('a schema of %s', (_name, schema) => {
  const server = serverWith(schema)

  it('is shown as JSON Schema', async () => {
    const [tool] = (await request(server, 'tools/list')).tools
    expect(tool.inputSchema).toMatchObject({
      type: 'object',
      properties: { city: { type: 'string', minLength: 2 }, days: { type: 'integer' } },
      required: ['city'],
    })
  })

  it('accepts arguments that fit', async () => {
    expect(await callWith(server, { city: 'Bern', days: 2 })).toEqual({ text: '{"city":"Bern","days":2}' })
  })

  it('names the arguments that do not fit, and why', async () => {
    const { text, isError } = await callWith(server, { city: 'B', days: 'two' })
    expect(isError).toBe(true)
    expect(text).toContain('"tool"')
    expect(text).toMatch(/city: /)
    expect(text).toMatch(/days: /)
    expect((await callWith(server, {})).text).toContain('city')
  })
})

it('gives the handler the arguments as the schema parses them', async () => {
  const server = serverWith(z.object({ n: z.coerce.number(), unit: z.string().default('m') }))
  expect((await callWith(server, { n: '3' })).text).toBe('{"n":3,"unit":"m"}')
})

it('waits for a schema that checks asynchronously', async () => {
  const server = serverWith(z.object({ name: z.string().refine(async (name) => name !== 'taken', 'is taken') }))
  expect((await callWith(server, { name: 'free' })).isError).toBeUndefined()
  expect((await callWith(server, { name: 'taken' })).text).toContain('name: is taken')
})

it('refuses arguments where the code of a schema throws', async () => {
  const throwing = () => {
    throw new Error('cannot look this up')
  }
  expect((await callWith(serverWith(z.object({ a: z.string().transform(throwing) })), { a: '' })).text).toContain(
    'cannot look this up',
  )
})

it('lists a few of many problems', async () => {
  const { text } = await callWith(serverWith(z.object({ a: z.array(z.string()) })), { a: Array(1000).fill(1) })
  expect(text.length).toBeLessThan(2000)
  expect(text).toContain('990 more')
})

it('waits for a schema of zod 3 before Standard Schema that checks asynchronously', async () => {
  const free = z3.string().refine(async (name) => name !== 'taken', 'is taken')
  const server = serverWith(withoutStandard(z3.object({ name: free })))
  for (const _again of [1, 2]) {
    expect((await callWith(server, { name: 'free' })).isError).toBeUndefined()
    expect((await callWith(server, { name: 'taken' })).text).toContain('name: is taken')
  }
})

describe('the option toJsonSchema', () => {
  const own = { '~standard': { vendor: 'own', version: 1, validate: (value: unknown) => ({ value }) } } as const
  const json = { type: 'object', properties: { a: { type: 'string' } } }

  it('writes the schemas of a library that cannot do it itself, for arguments and for results', () => {
    const sides: string[] = []
    const write = (schema: unknown, side: string) => {
      sides.push(side)
      return schema === own ? json : undefined
    }
    expect(compileSchema(own, 'input', 'a', write).json).toEqual(json)
    expect(compileOutputSchema(own, 'a', write).json).toEqual(json)
    expect(compileSchema({ field: own }, 'input', 'a', write).json.properties).toEqual({ field: json })
    expect(sides).toEqual(['input', 'output', 'input'])
  })

  it('comes before what is installed, and after the schema itself', () => {
    const write = () => json
    expect(compileSchema(mini.object({ b: mini.string() }), 'input', 'a', write).json).toEqual(json)
    expect(compileSchema(z.object({ b: z.string() }), 'input', 'a', write).json).not.toEqual(json)
    const { json: found } = compileSchema(mini.object({ b: mini.string() }), 'input', 'a', () => undefined)
    expect(found.properties).toEqual({ b: { type: 'string' } })
  })

  it('writes the forms of handlers, too', async () => {
    const toJsonSchema = (schema: unknown) => (schema === own ? json : undefined)
    const server = new McpServer({ name: 'test', version: '1' }, { toJsonSchema })
    server.registerTool('tool', {}, async (ctx) => ({ structuredContent: { ...(await ctx.elicit('?', own)) } }))
    server.registerResource('fixed', 'test://a', {}, async (_uri, ctx) => {
      const { action } = await ctx.elicit('?', own)
      return { contents: [{ uri: 'test://a', text: action }] }
    })
    const answer = () => ({ action: 'accept', content: { a: 'x' } })
    const channel = fakeChannel({ capabilities: { elicitation: {} }, answer })
    expect((await call(server, 'tool', {}, channel)).structuredContent).toEqual({
      action: 'accept',
      content: { a: 'x' },
    })
    expect((await request(server, 'resources/read', { uri: 'test://a' }, channel)).contents[0].text).toBe('accept')
    expect(channel.asked.map(({ params }) => params?.requestedSchema)).toEqual([json, json])
  })

  it('has its own errors, with the name of the schema', () => {
    const fail = () => {
      throw new Error('no way')
    }
    expect(() => compileSchema({ field: own }, 'input', 'a', fail)).toThrow(
      'a: "field" cannot be written as JSON Schema: no way',
    )
  })
})

describe('a schema that cannot be written as JSON Schema is refused with what to do:', () => {
  const standard = (vendor: string) => ({ '~standard': { vendor, version: 1, validate: () => ({ value: {} }) } })
  it.each([
    [
      'an old arktype',
      standard('arktype'),
      /is a schema of arktype, .* Install arktype 2\.1\.28 or newer, .*toJsonSchema\./,
    ],
    ['another library', standard('own'), /is a schema of own, which cannot write JSON Schema\. .*toJsonSchema\./],
    [
      'a transform',
      z
        .object({ a: z.string() })
        .transform(() => new Map())
        .pipe(z.map(z.string(), z.string())),
      /cannot be written/,
    ],
  ])('%s', (name, schema, hint) => {
    for (const side of ['inputSchema', 'outputSchema'] as const) {
      if (name === 'a transform' && side === 'inputSchema') continue
      const server = new McpServer({ name: 'test', version: '1.0.0' })
      server.registerTool('tool', { [side]: schema as unknown as Schema }, () => ({ content: [] }))
      const serve = () => server.registry.compile()
      expect(serve).toThrow(hint)
      expect(serve).toThrow(`Tool "tool": ${side}`)
    }
  })
})

describe('a plain JSON Schema', () => {
  it('is listed word for word', async () => {
    const schema = {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      $defs: { a: { $anchor: 'here', type: 'string' } },
      properties: { a: { $ref: '#here' }, b: { $ref: '#/$defs/a' } },
      unevaluatedProperties: false,
    }
    const before = structuredClone(schema)
    const server = serverWith(schema)
    await callWith(server, { a: 'x' })
    expect((await request(server, 'tools/list')).tools[0].inputSchema).toEqual(before)
    expect(schema).toEqual(before)
  })

  it('is checked with the keywords of 2020-12', async () => {
    const server = serverWith({
      type: 'object',
      properties: { pair: { prefixItems: [{ type: 'string' }, { type: 'number' }], items: false } },
      dependentRequired: { a: ['b'] },
      additionalProperties: false,
    })
    expect((await callWith(server, { pair: ['x', 1] })).isError).toBeUndefined()
    expect((await callWith(server, { pair: [1, 1] })).text).toContain('pair.0')
    expect((await callWith(server, { other: 1 })).text).toContain('Property "other" is not allowed')
  })

  it('names the alternatives where one of several is enough', async () => {
    const server = serverWith({ type: 'object', anyOf: [{ required: ['phone'] }, { required: ['email'] }] })
    expect((await callWith(server, {})).text).toMatch(/One of these .*"phone" \| .*"email"/)
  })

  it.each([
    [
      'another dialect',
      { $schema: 'http://json-schema.org/draft-04/schema#', type: 'object' },
      /draft-07 .*2019-09 .*2020-12/,
    ],
    [
      'another dialect inside',
      { type: 'object', properties: { a: { $schema: 'https://example.com/own' } } },
      /"https:\/\/example.com\/own".*draft-07 .*2019-09 .*2020-12/,
    ],
    ['a dialect that is no text', { $schema: 7, type: 'object' }, /draft-07 .*2019-09 .*2020-12/],
    [
      'a pattern that is no expression',
      { type: 'object', properties: { a: { pattern: '(' } } },
      /"\(" is no expression/,
    ],
    ['such a pattern of names', { type: 'object', patternProperties: { '[': {} } }, /"\[" is no expression/],
    ['an $id that is no URI', { type: 'object', properties: { a: { $id: 'http://[' } } }, /"\$id" .* is not a URI/],
    [
      'a reference to the network',
      { type: 'object', properties: { a: { $ref: 'https://example.com/a.json' } } },
      /nothing is fetched/,
    ],
    ['a reference to nothing', { type: 'object', properties: { a: { $ref: '#/$defs/missing' } } }, /leads nowhere/],
    ['a reference to no anchor', { type: 'object', properties: { a: { $ref: '#missing' } } }, /leads nowhere/],
  ])('is refused with %s', (_what, schema, reason) => {
    expect(() => serverWith(schema)).toThrow(reason)
  })

  it('may refer to a schema that it embeds', async () => {
    const server = serverWith({
      type: 'object',
      properties: { a: { $ref: 'https://example.com/name' } },
      $defs: { name: { $id: 'https://example.com/name', type: 'string' } },
    })
    expect((await callWith(server, { a: 'x' })).isError).toBeUndefined()
    expect((await callWith(server, { a: 1 })).isError).toBe(true)
  })

  it('does not mistake a property called "$ref" or "$schema" for a keyword', () => {
    expect(() =>
      serverWith({ type: 'object', properties: { $ref: { type: 'string' }, $schema: { type: 'string' } } }),
    ).not.toThrow()
  })
})

describe('x-mcp-header', () => {
  const headersOf = (inputSchema: Schema) => serverWith(inputSchema).registry.tools.get('tool')?.policy.paramHeaders

  it('is found wherever only properties lead to it', () => {
    const region = z.string().meta({ 'x-mcp-header': 'Region' })
    const size = z.int().optional().meta({ 'x-mcp-header': 'Size' })
    expect(headersOf(z.object({ region, options: z.object({ size }) }))).toEqual([
      { name: 'Region', path: ['region'], type: 'string' },
      { name: 'Size', path: ['options', 'size'], type: 'integer' },
    ])
  })

  const property = (annotation: unknown, type: unknown = 'string') => ({ 'x-mcp-header': annotation, type })

  it.each([
    ['an empty name', { type: 'object', properties: { a: property('') } }, /not a header name/],
    ['a name that is no token', { type: 'object', properties: { a: property('A B') } }, /not a header name/],
    ['a name with a line break', { type: 'object', properties: { a: property('A\nB') } }, /not a header name/],
    ['a name that is no text', { type: 'object', properties: { a: property(1) } }, /not a header name/],
    ['a number', { type: 'object', properties: { a: property('A', 'number') } }, /string, integer or boolean/],
    ['several types', { type: 'object', properties: { a: property('A', ['string', 'null']) } }, /string, integer/],
    ['an object', { type: 'object', properties: { a: property('A', 'object') } }, /string, integer or boolean/],
    [
      'a name twice in different letters',
      { type: 'object', properties: { a: property('Region'), b: property('REGION') } },
      /occurs twice/,
    ],
    ['the root', { ...property('A'), type: 'object' }, /only "properties" lead to/],
    ['items', { type: 'object', properties: { a: { type: 'array', items: property('A') } } }, /only "properties"/],
    ['a branch', { type: 'object', anyOf: [{ properties: { a: property('A') } }] }, /only "properties"/],
    ['a definition', { type: 'object', $defs: { a: property('A') } }, /only "properties"/],
    ['a condition', { type: 'object', if: { properties: { a: property('A') } } }, /only "properties"/],
  ])('on %s is refused', (_what, schema, reason) => {
    expect(() => serverWith(schema as Schema)).toThrow(reason)
  })
})
