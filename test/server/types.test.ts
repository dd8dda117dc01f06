/** The types that the compiler infers. `npm run types` is the test; running it shows that the calls work. */
import { toStandardJsonSchema } from '@valibot/to-json-schema'
import * as v from 'valibot'
import { expect, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import * as mini from 'zod/mini'
import { z as z3 } from 'zod/v3'
import type { JsonObject } from '../../lib/protocol/jsonrpc.ts'
import type { ServerMethod } from '../../lib/protocol/methods.ts'
import type { ElicitContent } from '../../lib/protocol/types.ts'
import type { Context, Elicited } from '../../lib/server/context/context.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import type { Caller } from '../../lib/server/registry/config.ts'
import { ResourceTemplate } from '../../lib/server/registry/resource-template.ts'
import type { InputOf, OutputOf } from '../../lib/server/schema/schema.ts'
import type { KeyValues } from '../../lib/store/values.ts'

const text = { content: [{ type: 'text' as const, text: 'ok' }] }

it('infers the arguments of a handler from the schemas', () => {
  const server = new McpServer({ name: 'test', version: '1.0.0' })

  server.registerTool(
    'zod',
    { inputSchema: z.object({ a: z.coerce.number(), b: z.string().optional() }) },
    (args, ctx) => {
      expectTypeOf(args).toEqualTypeOf<{ a: number; b?: string | undefined }>()
      expectTypeOf(ctx).toEqualTypeOf<Context>()
      return text
    },
  )
  server.registerTool('valibot', { inputSchema: toStandardJsonSchema(v.object({ a: v.number() })) }, async (args) => {
    expectTypeOf(args).toEqualTypeOf<{ a: number }>()
    return text
  })
  server.registerTool('plain', { inputSchema: { type: 'object' } }, (args) => {
    expectTypeOf(args).toEqualTypeOf<JsonObject>()
    return text
  })
  server.registerTool('none', { description: 'x' }, (ctx) => {
    expectTypeOf(ctx).toEqualTypeOf<Context>()
    expectTypeOf(ctx.session).toEqualTypeOf<KeyValues | undefined>()
    return text
  })
  server.registerTool('output', { outputSchema: z.object({ n: z.number() }) }, () => ({ structuredContent: { n: 1 } }))
  // @ts-expect-error n is a number
  server.registerTool('wrong', { outputSchema: z.object({ n: z.number() }) }, () => ({ structuredContent: { n: 'x' } }))
  // @ts-expect-error there is no content
  server.registerTool('empty', {}, () => ({ text: 'a' }))

  server.registerPrompt('args', { argsSchema: z.object({ a: z.string() }), complete: { a: () => [] } }, (args, ctx) => {
    expectTypeOf(args).toEqualTypeOf<{ a: string }>()
    expectTypeOf(ctx).toEqualTypeOf<Context>()
    return { messages: [] }
  })
  server.registerPrompt('none', {}, (ctx) => {
    expectTypeOf(ctx).toEqualTypeOf<Context>()
    return { messages: [] }
  })
  server.registerResource('fixed', 'test://a', {}, (uri, ctx) => {
    expectTypeOf(uri).toEqualTypeOf<URL>()
    expectTypeOf(ctx).toEqualTypeOf<Context>()
    return { contents: [] }
  })
  server.registerResource('template', new ResourceTemplate('test://{a}'), {}, (uri, variables, ctx) => {
    expectTypeOf(uri).toEqualTypeOf<URL>()
    expectTypeOf(variables).toEqualTypeOf<{ a: string }>()
    expectTypeOf(ctx).toEqualTypeOf<Context>()
    return { contents: [] }
  })
  server.registry.compile()
  expect(server.registry.tools.size).toBe(7)
})

it('infers the types of shapes, of zod 3, of zod/mini and of constant JSON Schemas', () => {
  const shape = {
    a: z.string(),
    b: z.number().optional(),
    c: z.string().default('x'),
    d: z3.string().optional(),
    e: v.optional(v.number()),
    f: mini.optional(mini.boolean()),
    g: z.coerce.number(),
    h: z.unknown(),
  }
  type Shape = typeof shape
  expectTypeOf<OutputOf<Shape>>().toEqualTypeOf<{
    a: string
    b?: number | undefined
    c: string
    d?: string | undefined
    e?: number | undefined
    f?: boolean | undefined
    g: number
    h: unknown
  }>()
  expectTypeOf<InputOf<Pick<Shape, 'a' | 'b' | 'c' | 'd'>>>().toEqualTypeOf<{
    a: string
    b?: number | undefined
    c?: string | undefined
    d?: string | undefined
  }>()
  const { shape: inner } = z.object({ a: z.string(), b: z.int().optional() })
  expectTypeOf<OutputOf<typeof inner>>().toEqualTypeOf<{ a: string; b?: number | undefined }>()
  // biome-ignore lint/complexity/noBannedTypes: the type of an object without members, as z.object({}) has it
  expectTypeOf<OutputOf<{}>>().toEqualTypeOf<{}>()

  const third = z3.object({ a: z3.string(), b: z3.number().default(1) })
  expectTypeOf<OutputOf<typeof third>>().toEqualTypeOf<{ a: string; b: number }>()
  expectTypeOf<InputOf<typeof third>>().toEqualTypeOf<{ a: string; b?: number | undefined }>()
  type Old = Pick<typeof third, '_input' | '_output' | '_def' | 'safeParse' | 'safeParseAsync'>
  expectTypeOf<OutputOf<Old>>().toEqualTypeOf<{ a: string; b: number }>()
  expectTypeOf<InputOf<Old>>().toEqualTypeOf<{ a: string; b?: number | undefined }>()
  const small = mini.object({ a: mini.string(), b: mini.optional(mini.number()) })
  expectTypeOf<OutputOf<typeof small>>().toEqualTypeOf<{ a: string; b?: number | undefined }>()

  const constant = {
    type: 'object',
    properties: {
      a: { type: 'string' },
      b: { type: 'array', items: { enum: [1, 2] } },
      c: { type: 'object', properties: { d: { type: ['string', 'null'] } }, required: ['d'] },
    },
    required: ['a', 'c'],
  } as const
  expectTypeOf<OutputOf<typeof constant>>().toEqualTypeOf<{ a: string; b?: (1 | 2)[] | undefined; c: { d: unknown } }>()
  expectTypeOf<OutputOf<{ type: string; properties: object }>>().toEqualTypeOf<JsonObject>()
  expectTypeOf<InputOf<JsonObject>>().toEqualTypeOf<unknown>()

  const server = new McpServer({ name: 'test', version: '1.0.0' })
  server.registerTool('shape', { inputSchema: shape, outputSchema: { n: z.number() } }, ({ a, b }) => {
    expectTypeOf(a).toEqualTypeOf<string>()
    expectTypeOf(b).toEqualTypeOf<number | undefined>()
    return { structuredContent: { n: 1 } }
  })
  // @ts-expect-error n is a number
  server.registerTool('wrong', { outputSchema: { n: z.number() } }, () => ({ structuredContent: { n: 'x' } }))
  server.registerTool('empty', { inputSchema: {} }, (args, ctx) => {
    expectTypeOf(ctx).toEqualTypeOf<Context>()
    return { structuredContent: args }
  })
  server.registry.compile()
  expect(server.registry.tools.size).toBe(3)
})

it('infers the content of a form from its schema', () => {
  const ask = (ctx: Context) => ctx.elicit('?', z.object({ a: z.coerce.number() }))
  expectTypeOf(ask).returns.resolves.toEqualTypeOf<Elicited<{ a: number }>>()
  const plain = (ctx: Context) => ctx.elicit('?', { type: 'object', properties: { a: { type: 'string' } } })
  expectTypeOf(plain).returns.resolves.toEqualTypeOf<Elicited<{ a?: string | undefined }>>()
  const any = (ctx: Context, schema: JsonObject) => ctx.elicit('?', schema)
  expectTypeOf(any).returns.resolves.toEqualTypeOf<Elicited<ElicitContent>>()
  const shape = (ctx: Context) => ctx.elicit('?', { a: z.boolean(), b: z3.string().optional() })
  expectTypeOf(shape).returns.resolves.toEqualTypeOf<Elicited<{ a: boolean; b?: string | undefined }>>()
  expectTypeOf<Elicited<{ a: number }>>().toEqualTypeOf<
    { action: 'accept'; content: { a: number } } | { action: 'decline' | 'cancel'; content?: undefined }
  >()
})

it('has types for the caller of visible and for the call of a middleware', () => {
  const server = new McpServer({ name: 'test', version: '1.0.0' })
  server.registerTool(
    'visible',
    {
      visible: (caller) => {
        expectTypeOf(caller).toEqualTypeOf<Caller>()
        return caller.auth !== undefined
      },
    },
    () => text,
  )
  // @ts-expect-error visible decides at once
  expect(() => server.registerTool('async', { visible: async () => true }, () => text)).toThrow()
  server.use((call, next) => {
    expectTypeOf(call.method).toEqualTypeOf<ServerMethod>()
    expectTypeOf(call.params).toEqualTypeOf<JsonObject>()
    expectTypeOf(call.ctx).toEqualTypeOf<Context>()
    expectTypeOf(next()).toEqualTypeOf<Promise<JsonObject>>()
    return next({ ...call.params })
  })
  // @ts-expect-error a middleware returns a result
  server.use(async (_call, next) => void next())
})
