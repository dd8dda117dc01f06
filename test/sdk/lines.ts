/** The servers of both lines of the official SDK, and clients of theirs in this process. */
import { afterEach } from 'vitest'
import type { Servable } from '../../lib/sdk/official.ts'
import { type TestClient, type TestClientOptions, testClient } from '../../lib/testing.ts'
import * as v1 from './servers/v1.ts'
import * as v2 from './servers/v2.ts'

export const LINES = [
  ['1.x', v1],
  ['2.x', v2],
] as const

export const REVISIONS = ['2025-06-18', '2025-11-25', '2026-07-28']

const open: TestClient[] = []
afterEach(async () => {
  for (const client of open.splice(0).reverse()) await client[Symbol.asyncDispose]()
})

/** What the endpoint reported since the last test. */
export const reported: string[] = []
afterEach(() => {
  reported.length = 0
})

export async function connect(server: Servable, options: TestClientOptions = {}): Promise<TestClient> {
  const onError = (error: unknown) => void reported.push((error as Error).message)
  const client = await testClient(server, { ...options, endpoint: { onError, ...options.endpoint } })
  open.push(client)
  return client
}

interface Result {
  content: { text: string }[]
  isError?: boolean
}

export async function call(client: TestClient, name: string, args: object = {}): Promise<Result> {
  return (await client.callTool({ name, arguments: { ...args } })) as Result
}

/** The text of a result, parsed where it is JSON. */
export function textOf({ content }: Result): unknown {
  const text = content[0]?.text ?? ''
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

export const accept = (name: string) => ({ action: 'accept' as const, content: { name } })
