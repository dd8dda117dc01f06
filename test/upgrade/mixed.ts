/** A fleet of two instances of another commit (0 and 2) and two of this one (1 and 3), on one Redis. */
import { expect } from 'vitest'
import { type Fleet, type FleetOptions, startFleet } from '../support/fleet.ts'
import { post, type RawSession, type RpcMessage } from '../support/raw.ts'

const { UPGRADE_FROM } = process.env
if (!UPGRADE_FROM) throw new Error('Start these tests with npm run test:upgrade -- --against <checkout>.')

export const OLD = new URL(UPGRADE_FROM)
export const NEW = new URL('../../', import.meta.url)

/** `module`: the address of the module of the server; default: the everything server of each commit. */
export function startMixed(options: FleetOptions = {}, module?: string): Promise<Fleet> {
  return startFleet(options, { size: 4, roots: [OLD, NEW, OLD, NEW], module })
}

/** Instances by what a step needs: `from` and `back` are of one commit, `to` and `also` of the other. */
export const DIRECTIONS = [
  { direction: 'old to new', from: 0, to: 1, back: 2, also: 3 },
  { direction: 'new to old', from: 1, to: 0, back: 3, also: 2 },
] as const

/** The client's answer to what the server asked. */
export async function answer(
  url: URL,
  session: RawSession,
  id: string | number | undefined,
  result: object,
): Promise<void> {
  expect((await post(url, { jsonrpc: '2.0', id, result }, { session })).status).toBe(202)
}

export async function cancel(url: URL, session: RawSession, requestId: string | number): Promise<void> {
  const message = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId } }
  expect((await post(url, message, { session })).status).toBe(202)
}

/** DELETE; resolves with the status. */
export async function end(url: URL, session: RawSession): Promise<number> {
  const headers = { 'mcp-session-id': session.id, 'mcp-protocol-version': session.version }
  const response = await fetch(url, { method: 'DELETE', headers })
  await response.text()
  return response.status
}

export function progressOf(messages: { params?: { progress?: number } }[]): number[] {
  return messages.flatMap(({ params }) => params?.progress ?? [])
}

export function textOf(message: RpcMessage | undefined): string {
  return message?.result?.content?.[0]?.text ?? JSON.stringify(message)
}

export const upTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1)

/** For calls that are to tell their progress. */
export const meta = { progressToken: 'p' }
