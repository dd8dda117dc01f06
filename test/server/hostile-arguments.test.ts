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

test('an array that is too long to be checked for repeats is refused', async () => {
  const schema = { type: 'object', properties: { tags: { type: 'array', uniqueItems: true } } }
  const tags = (n: number) => ({ tags: Array.from({ length: n }, (_, i) => i) })
  expect(await problems(schema, tags(2_000))).toBe('')
  expect(await problems(schema, tags(400_000))).toMatch(/more than 2000 items/)
  expect(await problems(schema, { tags: [1, 1] })).toMatch(/tags/)
})
