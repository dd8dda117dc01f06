/** The tests of the official clients that every deployment passes; each request meets another instance than the last. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Connect, OfficialClient, Progress } from './clients.ts'
import { client2, sessionClients, statelessClient } from './clients.ts'

export interface Deployment {
  url: URL
  /** Resolves when no instance is busy. */
  quiet?(): Promise<void>
}

/** @param deployed returns the deployment; called when the tests run */
export function officialClientTests(deployed: () => Deployment): void {
  const open: { close(): Promise<void> }[] = []
  const connected = async (
    connect: Connect,
    ...user: Parameters<Connect> extends [URL, ...infer Rest] ? Rest : never
  ) => {
    const client = await connect(deployed().url, ...user)
    open.push(client)
    return client
  }
  beforeEach(() => deployed().quiet?.())
  afterEach(async () => {
    for (const client of open.splice(0)) await client.close()
  })

  describe.each(Object.entries({ ...sessionClients, '2.x stateless': statelessClient }))('client %s', (_, connect) => {
    test('initializes, lists tools and calls them on every instance', async () => {
      const client = await connected(connect)
      expect(await client.tools()).toContain('echo')
      const pids = new Set<string>()
      while (pids.size < 3) pids.add((JSON.parse(await client.call('whoami')) as { pid: string }).pid)
    })

    test('gets progress before the call ends', async () => {
      const client = await connected(connect)
      const gate = `gate-${Math.random()}`
      expect(await passGate(client, 'gated', gate)).toMatch(`through ${gate}`)
    })

    test('answers an elicitation of another instance', async () => {
      const asked: string[] = []
      const client = await connected(connect, (message) => {
        asked.push(message)
        return { username: 'ada', email: 'ada@example.com' }
      })
      const text = await client.call('test_elicitation', { message: 'Who are you?' })
      expect(text).toBe('User response: action=accept, content={"username":"ada","email":"ada@example.com"}')
      expect(asked).toEqual(['Who are you?'])
    })
  })

  describe.each(Object.entries(sessionClients))('client %s', (_, connect) => {
    test('resumes a call whose stream was closed, and misses nothing', async () => {
      const client = await connected(connect)
      const progress: Progress[] = []
      const text = await client.call('close_stream', { ms: 500, retryMs: 50 }, (update) => void progress.push(update))
      expect(text).toBe('closed and done')
      expect(progress.map((update) => update.progress)).toEqual([1, 2])
    })

    test('ends its session everywhere', async () => {
      const client = await connected(connect)
      await client.call('count_session')
      await client.end()
      for (let i = 0; i < 3; i++) await expect(client.call('count_session')).rejects.toThrow()
    })
  })

  test('client 2.x stateless subscribes and gets a change that another instance announced', async () => {
    const { client } = await client2(deployed().url, { pin: '2026-07-28' })
    open.push(client)
    const changed = new Promise<void>((resolve) => {
      client.setNotificationHandler('notifications/tools/list_changed', () => resolve())
    })
    const subscription = await client.listen({ toolsListChanged: true })
    expect(subscription.honoredFilter).toEqual({ toolsListChanged: true })
    const caller = await connected(statelessClient)
    await caller.call('announce', { what: 'tools' })
    await changed
    await subscription.close()
  })
}

/** Calls a tool that waits at a gate, and opens the gate after its first progress: so progress arrived before the end. */
export async function passGate(client: OfficialClient, tool: string, gate: string): Promise<string> {
  const progressed: number[] = []
  const opened: Promise<string>[] = []
  const text = await client.call(tool, { gate }, ({ progress }) => {
    progressed.push(progress)
    if (progress === 1) opened.push(client.call('user_set', { name: `gate:${gate}`, value: 'open' }))
  })
  expect(await Promise.all(opened)).toEqual(['kept'])
  expect(progressed).toEqual([1, 2])
  return text
}
