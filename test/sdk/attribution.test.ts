/** To whom a message of a shared server goes: the client of its call, or nobody. */
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { ElicitResultSchema } from '@modelcontextprotocol/sdk/types.js'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { accept, call, connect, LINES, reported, textOf } from './lines.ts'

const info = { name: 'official', version: '1' }
const text = (value: unknown) => ({ content: [{ type: 'text' as const, text: String(value) }] })
const form = {
  mode: 'form' as const,
  message: '?',
  requestedSchema: { type: 'object' as const, properties: { name: { type: 'string' as const } } },
}

/** A server whose tool asks through a queue that the first call of it begins. */
function queueing() {
  const server = new McpServer(info, { capabilities: { logging: {} } })
  const jobs: (() => Promise<void>)[] = []
  let wake: (() => void) | undefined
  let works = false
  const work = async () => {
    for (;;) {
      const job = jobs.shift()
      if (job) await job()
      else await new Promise<void>((resolve) => (wake = resolve))
    }
  }
  server.registerTool('queued', { inputSchema: { related: z.boolean() } }, ({ related }, extra) => {
    const { promise, resolve } = Promise.withResolvers<string>()
    jobs.push(async () => {
      const ask = related
        ? extra.sendRequest({ method: 'elicitation/create', params: form }, ElicitResultSchema)
        : server.server.elicitInput(form)
      resolve(
        await ask.then(
          (answer) => String(answer.content?.name),
          (error: Error) => error.message,
        ),
      )
    })
    if (!works) {
      works = true
      void work()
    }
    wake?.()
    return promise.then(text)
  })
  return server
}

test('a queue that an ended call began asks nobody, and the request finds its client', async () => {
  const client = await connect(queueing(), { elicit: () => accept('first') })
  const other = await client.another({ elicit: () => accept('second') })
  expect(textOf(await call(client, 'queued', { related: false }))).toBe('first')
  expect(textOf(await call(other, 'queued', { related: false }))).toMatch(/has ended/)
  expect(textOf(await call(other, 'queued', { related: true }))).toBe('second')
})

test('the first message without its request is reported, with the cure', async () => {
  const client = await connect(queueing(), { elicit: () => accept('first') })
  await call(client, 'queued', { related: true })
  expect(reported).toEqual([])
  const other = await connect(queueing(), { elicit: () => accept('first') })
  for (let i = 0; i < 2; i++) await call(other, 'queued', { related: false })
  expect(reported).toEqual([
    expect.stringMatching(/^elicitation\/create was sent without naming.*attribution: 'strict'/),
  ])
})

test('a strict endpoint sends nothing that names no request', async () => {
  const client = await connect(queueing(), { elicit: () => accept('first'), endpoint: { attribution: 'strict' } })
  expect(textOf(await call(client, 'queued', { related: false }))).toMatch(/attribution is "strict"/)
  expect(textOf(await call(client, 'queued', { related: true }))).toBe('first')
})

test('a message outside of calls goes to nobody, and is reported once', async () => {
  const server = queueing()
  const client = await connect(server, { elicit: () => accept('first') })
  const logged: unknown[] = []
  client.setNotificationHandler('notifications/message', ({ params }) => void logged.push(params.data))
  await server.server.sendLoggingMessage({ level: 'error', data: 'nobody' })
  await server.server.sendLoggingMessage({ level: 'error', data: 'nobody' })
  await expect(server.server.listRoots()).rejects.toThrow(/belongs to no call/)
  expect(reported).toEqual([expect.stringContaining('notifications/message is not sent: it belongs to no call')])
  expect(logged).toEqual([])
})

test.each(LINES)(
  '25 clients with 8 asks each at once get their own answers, and nobody else’s (%s)',
  async (_line, { makeServer }) => {
    const foreign: unknown[] = []
    const user = (id: number) => ({
      revision: id % 3 === 2 ? '2026-07-28' : '2025-11-25',
      elicit: ({ message }: { message: string }) => {
        if (!message.startsWith(`${id}:`)) foreign.push([id, message])
        return accept(`${id} ${message}`)
      },
    })
    const client = await connect(makeServer(), { ...user(0), instances: 3 })
    const clients = [client]
    for (let id = 1; id < 25; id++) clients.push(await client.another(user(id)))
    const work = clients.flatMap((each, id) =>
      Array.from({ length: 8 }, async (_, n) => {
        const message = `${id}:${n}`
        const result = await call(each, n % 2 ? 'ask' : 'ask_related', { message })
        expect(textOf(result)).toEqual(accept(`${id} ${message}`))
      }),
    )
    await Promise.all(work)
    expect(foreign).toEqual([])
  },
  60_000,
)
