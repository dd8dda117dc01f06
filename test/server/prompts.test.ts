import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { completable } from '../../lib/server/registry/completable.ts'
import { ResourceTemplate } from '../../lib/server/registry/resource-template.ts'
import { fakeChannel, request } from './fake-channel.ts'

const message = (text: string) => ({ messages: [{ role: 'user' as const, content: { type: 'text' as const, text } }] })

const server = new McpServer({ name: 'test', version: '1.0.0' })
server.registerPrompt('plain', { description: 'Nothing to say' }, (ctx) => message(ctx.revision))
server.registerPrompt(
  'greet',
  {
    description: 'Greets',
    argsSchema: z.object({
      name: z.string().min(2).describe('Whom').meta({ title: 'Name' }),
      times: z.coerce.number().optional(),
      language: completable(z.string(), (typed) =>
        ['de', 'en', 'es'].filter((code) => code.startsWith(typed)),
      ).optional(),
    }),
    complete: {
      name: async (typed, { arguments: settled }, ctx) => [`${typed}-${settled.language}-${ctx.client.info?.name}`],
      times: (typed) => Array.from({ length: 250 }, (_, index) => `${typed}${index}`),
    },
  },
  ({ name, times = 1 }) => ({ description: 'A greeting', ...message(`Hello, ${name}! `.repeat(times)) }),
)
server.registerPrompt('broken', {}, () => {
  throw new Error('Out of words')
})
server.registerPrompt('wordless', {}, () => ({}) as ReturnType<typeof message>)
server.registerResource(
  'notes',
  new ResourceTemplate('notes://{id}', { complete: { id: () => ['1', '2'] } }),
  {},
  (uri) => ({ contents: [{ uri: uri.href, text: '' }] }),
)
server.registerResource('fixed', 'notes://all/of/them', {}, (uri) => ({ contents: [{ uri: uri.href, text: '' }] }))

describe('prompts/list', () => {
  it('shows the arguments of the schema', async () => {
    const { prompts } = await request(server, 'prompts/list')
    expect(prompts[0]).toEqual({ name: 'plain', description: 'Nothing to say' })
    expect(prompts[1].arguments).toEqual([
      { name: 'name', title: 'Name', description: 'Whom', required: true },
      { name: 'times', required: false },
      { name: 'language', required: false },
    ])
  })
})

describe('prompts/get', () => {
  const get = (params: Record<string, unknown>) => request(server, 'prompts/get', params)

  it('gives the handler the arguments as the schema parses them', async () => {
    expect(await get({ name: 'greet', arguments: { name: 'Ann', times: '2' } })).toEqual({
      description: 'A greeting',
      ...message('Hello, Ann! Hello, Ann! '),
    })
  })

  it('gives a prompt without arguments the context, and adds its description', async () => {
    expect(await get({ name: 'plain' })).toEqual({ description: 'Nothing to say', ...message('2025-11-25') })
  })

  it.each([
    [{}],
    [{ name: 'other' }],
    [{ name: 'greet' }],
    [{ name: 'greet', arguments: { name: 'A' } }],
    [{ name: 'greet', arguments: { name: 7 } }],
    [{ name: 'greet', arguments: 'Ann' }],
  ])('refuses %j with -32602', async (params) => {
    await expect(get(params)).rejects.toMatchObject({ code: -32602 })
  })

  it('answers with an error where the handler throws or returns no messages', async () => {
    await expect(get({ name: 'broken' })).rejects.toMatchObject({ code: -32603, message: 'Out of words' })
    await expect(get({ name: 'wordless' })).rejects.toMatchObject({ code: -32603 })
  })
})

describe('completion/complete', () => {
  const complete = async (ref: unknown, name: string, value: string, context?: unknown) =>
    (await request(server, 'completion/complete', { ref, argument: { name, value }, context }, fakeChannel()))
      .completion
  const greet = { type: 'ref/prompt', name: 'greet' }

  it('suggests for an argument of a prompt, from its schema and from its configuration', async () => {
    expect(await complete(greet, 'language', 'e')).toEqual({ values: ['en', 'es'], total: 2, hasMore: false })
    expect((await complete(greet, 'name', 'An', { arguments: { language: 'de' } })).values).toEqual(['An-de-fake'])
  })

  it('suggests for a variable of a template', async () => {
    expect((await complete({ type: 'ref/resource', uri: 'notes://{id}' }, 'id', '')).values).toEqual(['1', '2'])
  })

  it('has at most a hundred values, and the number of all', async () => {
    const found = await complete(greet, 'times', '')
    expect(found.values).toHaveLength(100)
    expect(found).toMatchObject({ total: 250, hasMore: true })
  })

  it('has no values where the author gave no completions', async () => {
    const nothing = { values: [], total: 0, hasMore: false }
    expect(await complete({ type: 'ref/prompt', name: 'plain' }, 'x', '')).toEqual(nothing)
    expect(await complete({ type: 'ref/resource', uri: 'notes://all/of/them' }, 'x', '')).toEqual(nothing)
  })

  it.each([
    [{ type: 'ref/prompt', name: 'other' }],
    [{ type: 'ref/resource', uri: 'notes://{other}' }],
    [{ type: 'ref/tool', name: 'greet' }],
    [undefined],
  ])('refuses the reference %j with -32602', async (ref) => {
    await expect(complete(ref, 'name', '')).rejects.toMatchObject({ code: -32602 })
  })

  it.each([[undefined], [{ name: 'name' }], [{ name: 7, value: '' }]])('refuses the argument %j', async (argument) => {
    await expect(request(server, 'completion/complete', { ref: greet, argument })).rejects.toMatchObject({
      code: -32602,
    })
  })
})
