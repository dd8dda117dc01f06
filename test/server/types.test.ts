/** The types that the compiler infers. `npm run types` is the test; running it shows that the calls work. */
import { toStandardJsonSchema } from '@valibot/to-json-schema'
import * as v from 'valibot'
import { expect, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import type { JsonObject } from '../../lib/protocol/jsonrpc.ts'
import type { ServerMethod } from '../../lib/protocol/methods.ts'
import type { ElicitContent } from '../../lib/protocol/types.ts'
import type { Context, Elicited } from '../../lib/server/context/context.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import type { Caller } from '../../lib/server/registry/config.ts'
import { ResourceTemplate } from '../../lib/server/registry/resource-template.ts'
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
  server.registerTool('empty', {}, () => ({}))

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

it('infers the content of a form from its schema', () => {
  const ask = (ctx: Context) => ctx.elicit('?', z.object({ a: z.coerce.number() }))
  expectTypeOf(ask).returns.resolves.toEqualTypeOf<Elicited<{ a: number }>>()
  const plain = (ctx: Context) => ctx.elicit('?', { type: 'object', properties: { a: { type: 'string' } } })
  expectTypeOf(plain).returns.resolves.toEqualTypeOf<Elicited<ElicitContent>>()
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
