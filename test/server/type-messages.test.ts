/**
 * What the compiler says of a handler that is a block or asynchronous: its error stands at the handler, and the end of the
 * explanation names the member that is wrong. Each line of `WRONG` is one error.
 */
import { expect, test } from 'vitest'
import { problemsOf } from '../docs/fences.ts'

const BEFORE = `
import { McpServer } from 'mcp-anywhere'
import { z } from 'zod'
const server = new McpServer({ name: 'test', version: '1.0.0' })
const helper = (text: string) => ({ content: [{ type: 'text', text }] })
const outputSchema = z.object({ n: z.number() })
`

const WRONG: [code: string, end: RegExp][] = [
  [
    "server.registerTool('a', {}, async () => { return { content: [{ type: 'txt', text: 'a' }] } })",
    /property 'type' are incompatible\. .*'"txt"' is not assignable to type '"text"'/,
  ],
  [
    "server.registerTool('b', {}, async () => { return helper('a') })",
    /property 'type' are incompatible\. .*'string' is not assignable to type '"text"'/,
  ],
  ["server.registerTool('c', {}, async () => helper('a'))", /'string' is not assignable to type '"text"'/],
  ["server.registerTool('d', {}, () => helper('a'))", /'string' is not assignable to type '"text"'/],
  [
    "server.registerTool('e', {}, async () => { return { content: [{ type: 'text' }] } })",
    /Property 'text' is missing/,
  ],
  ["server.registerTool('f', {}, async () => { return { text: 'a' } })", /has no properties in common with type/],
  [
    "server.registerTool('g', { outputSchema }, async () => { return { structuredContent: { n: 'x' } } })",
    /'structuredContent\.n' are incompatible .*'string' is not assignable to type 'number'/,
  ],
  [
    "server.tool('h', { n: z.number() }, async ({ n }) => { return { content: [{ type: 'text', text: n }] } })",
    /'number' is not assignable to type 'string'/,
  ],
  [
    "server.registerPrompt('i', {}, async () => { return { messages: [{ role: 'me', content: { type: 'text', text: '' } }] } })",
    /property 'role' are incompatible/,
  ],
  [
    "server.registerResource('j', 'a://b', {}, async () => { return { contents: [{ text: '' }] } })",
    /Property 'uri' is missing/,
  ],
  [
    "server.registerTool('k', { inputSchem: z.object({}) }, () => ({ content: [] }))",
    /Did you mean to write 'inputSchema'/,
  ],
  [
    "server.registerTool('l', { inputSchema: z.object({ a: z.string() }) }, ({ b }) => ({ content: [] }))",
    /Property 'b'/,
  ],
  ["server.server.elicitInput({ message: '' })", /Lacking<"Use ctx\.elicit\(message, schema\) in a handler">/],
  ['server.connect(process.stdout)', /createEndpoint\(server\) serves every client/],
]

test('each error ends with the member that is wrong', { timeout: 60_000 }, async () => {
  const code = `${BEFORE}${WRONG.map(([line]) => line).join('\n')}\n`
  const lines = await problemsOf([{ file: 'wrong', line: 1, code }])
  const errors: string[] = []
  for (const line of lines) {
    if (line.startsWith('wrong:')) errors.push(line)
    else errors.push(`${errors.pop() ?? ''} ${line.trim()}`)
  }
  const first = BEFORE.split('\n').length
  for (const [at, [, end]] of WRONG.entries()) {
    const found = errors.filter((error) => error.startsWith(`wrong:${first + at}:`))
    expect(found).toHaveLength(1)
    expect(found[0]).toMatch(end)
  }
  expect(errors).toHaveLength(WRONG.length)
})
