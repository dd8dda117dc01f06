/**
 * Type errors that point at the member that is wrong. Where a handler is one expression, the comment before an error stands at
 * its line, and `npm run types` is the test. For other handlers the compiler names the member at the end of its explanation.
 */
import { expect, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import type { CallToolResult } from '../../lib/protocol/types.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import type { ToolResult } from '../../lib/server/registry/config.ts'
import { ResourceTemplate } from '../../lib/server/registry/resource-template.ts'
import { call } from './fake-channel.ts'

const newServer = () => new McpServer({ name: 'test', version: '1.0.0' })

it('a wrong content type is an error at its line', () => {
  const server = newServer()
  server.registerTool('a', {}, () => ({
    content: [
      {
        // @ts-expect-error there is no such type
        type: 'txt',
        text: 'a',
      },
    ],
  }))
  expect(server.registry).toBeDefined()
})

it('a missing member of a content block is an error at its line', () => {
  const server = newServer()
  server.registerTool('a', {}, () => ({
    content: [
      // @ts-expect-error there is no text
      { type: 'text' },
    ],
  }))
})

it('a missing `as const` is an error at its line', () => {
  const block = { type: 'text', text: 'a' }
  const server = newServer()
  server.registerTool('a', {}, () => ({
    content: [
      // @ts-expect-error the type is a string
      block,
    ],
  }))
  const result: ToolResult = {
    content: [
      // @ts-expect-error the type is a string
      block,
    ],
  }
  expect(result).toBeDefined()
})

it('a result that does not fit outputSchema is an error at its line', () => {
  const server = newServer()
  const outputSchema = z.object({ n: z.number(), kind: z.enum(['a', 'b']) })
  server.registerTool('a', { outputSchema }, () => ({
    structuredContent: {
      // @ts-expect-error n is a number
      n: 'x',
      kind: 'a',
    },
  }))
  server.registerTool('b', { outputSchema }, () => ({
    structuredContent: {
      n: 1,
      // @ts-expect-error there is no such kind
      kind: 'c',
    },
  }))
})

it('a handler may name CallToolResult as its type, whatever the outputSchema of its tool', async () => {
  const server = newServer()
  const handler = async (): Promise<CallToolResult> => ({ content: [], structuredContent: { n: 1 } })
  server.registerTool('a', { outputSchema: z.object({ n: z.number() }) }, handler)
  const failure = (text: string): CallToolResult => ({ content: [{ type: 'text', text }], isError: true })
  server.registerTool('b', { outputSchema: z.object({ n: z.number() }) }, (ctx) =>
    ctx.revision === '2025-11-25' ? failure('a') : { structuredContent: { n: 1 } },
  )
  expect((await call(server, 'a')).structuredContent).toEqual({ n: 1 })
  expect((await call(server, 'b')).isError).toBe(true)
})

it('variables of a template are named by its text', () => {
  const server = newServer()
  const template = new ResourceTemplate('notes://{owner}/{+path}{?page,tags*}', { complete: { owner: () => [] } })
  server.registerResource('a', template, {}, (uri, variables) => {
    expectTypeOf(variables).toEqualTypeOf<{
      owner: string
      path: string
      page?: string | undefined
      tags?: string[] | undefined
    }>()
    // @ts-expect-error there is no such variable
    const other: unknown = variables.other
    return { contents: [{ uri: uri.href, text: `${variables.owner} ${other}` }] }
  })
  const options = { list: undefined }
  const build = () =>
    new ResourceTemplate('notes://{id}', {
      ...options,
      complete: {
        // @ts-expect-error there is no such variable
        other: () => [],
      },
    })
  expect(build).toThrow('no variable "other"')
  // A text that the compiler does not know has variables of any name.
  const text: string = 'notes://{id}'
  server.registerResource('b', new ResourceTemplate(text), {}, (uri, variables) => {
    expectTypeOf(variables).toEqualTypeOf<Record<string, string | string[]>>()
    return { contents: [{ uri: uri.href, text: String(variables.id) }] }
  })
})
