/** Asks of tools that must not run again, for clients of 2026-07-28: the run waits in its instance. */
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { ElicitResultSchema } from '@modelcontextprotocol/sdk/types.js'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { accept, call, connect, LINES, textOf } from './lines.ts'
import { effects } from './servers/tools.ts'

const user = {
  revision: '2026-07-28',
  elicit: ({ message }: { message: string }) => accept(`re: ${message}`),
  sample: () => ({ model: 'm', role: 'assistant' as const, content: { type: 'text' as const, text: 'Hello' } }),
}

describe.each(LINES)('a tool of %s that may not run again', (_line, { makeServer, makeLowLevel }) => {
  test.each([makeServer, makeLowLevel])(
    'asks several times in turn, in both ways, and runs once (%#)',
    async (make) => {
      const client = await connect(make(), { ...user, instances: 3 })
      for (let i = 0; i < 4; i++) {
        const name = `turn ${_line} ${make.name} ${i}`
        expect(textOf(await call(client, 'ask_in_turn', { label: name }))).toEqual([
          're: First?',
          're: Second?',
          're: Third?',
        ])
        expect(effects.get(name)).toBe(1)
      }
    },
  )

  test('asks at once', async () => {
    const client = await connect(makeServer(), { ...user, instances: 3 })
    for (let i = 0; i < 3; i++) {
      expect(textOf(await call(client, 'ask_at_once'))).toEqual(['re: One?', 're: Two?', 'Hello'])
    }
  })

  test('asks an ask that it does not wait for before its result', async () => {
    const asked: string[] = []
    const elicit = ({ message }: { message: string }) => {
      asked.push(message)
      return accept('x')
    }
    const client = await connect(makeServer(), { ...user, elicit, instances: 3 })
    expect(textOf(await call(client, 'ask_aside'))).toBe('done')
    expect(asked).toEqual(['Aside?'])
  })

  test('reports progress to the request that waits for it', async () => {
    const client = await connect(makeServer(), { ...user, instances: 3 })
    const received: unknown[] = []
    const options = { onprogress: ({ message }: { message?: string | undefined }) => void received.push(message) }
    await client.callTool({ name: 'ask_in_turn', arguments: { label: `progress ${_line}` } }, options)
    expect(received.filter((message) => message?.toString().startsWith('step'))).toEqual(['step 0', 'step 1', 'step 2'])
  })

  test('knows its client after each answer, also beside other clients', async () => {
    const client = await connect(makeServer(), { ...user, elicit: () => accept('client 0'), instances: 3 })
    const clients = [client]
    for (let id = 1; id < 5; id++) {
      clients.push(await client.another({ ...user, elicit: () => accept(`client ${id}`) }))
    }
    const results = await Promise.all(
      clients.flatMap((each, id) =>
        [0, 1, 2].map(async (n) => [
          id,
          textOf(await call(each, 'ask_in_turn', { label: `beside ${_line} ${id} ${n}` })),
        ]),
      ),
    )
    for (const [id, texts] of results) expect(texts).toEqual(Array(3).fill(`client ${id}`))
  })
})

const info = { name: 'official', version: '1' }
const form = (message: string) => ({
  mode: 'form' as const,
  message,
  requestedSchema: { type: 'object' as const, properties: { name: { type: 'string' as const } } },
})

test('an instance for each request lives for as long as its run waits', async () => {
  let made = 0
  const make = () => {
    const id = ++made
    const server = new McpServer(info)
    server.registerTool('ask', { inputSchema: { label: z.string() } }, async ({ label }, extra) => {
      const { content } = await server.server.elicitInput(form(label))
      const params = form('again')
      const again = await extra.sendRequest({ method: 'elicitation/create', params }, ElicitResultSchema)
      return { content: [{ type: 'text', text: `${id} ${content?.name} ${again.content?.name}` }] }
    })
    return server
  }
  const client = await connect(make, { ...user, instances: 3, endpoint: { instances: 'call' } })
  const before = made
  const texts = await Promise.all(['a', 'b'].map(async (label) => textOf(await call(client, 'ask', { label }))))
  expect(texts.map(String).sort()).toEqual([`${before + 1} re: a re: again`, `${before + 2} re: b re: again`])
})
