/** The reports of an instance: when they are written, and what they cost. */
import { expect, test } from 'vitest'
import { beginReports } from '../../lib/admin/heartbeat.ts'
import { readReport } from '../../lib/admin/report.ts'
import { createEndpoint } from '../../lib/endpoint.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { ManualClock } from '../support/manual-clock.ts'

const EVERY = 30_000

function start() {
  const clock = new ManualClock()
  const endpoint = createEndpoint(new McpServer({ name: 'notes', version: '2.1' }), { clock })
  const seen: ({ id: string; facts: string; lifetime: number } | 'retracted')[] = []
  const store = {
    report: async (id: string, facts: string, lifetime: number) => void seen.push({ id, facts, lifetime }),
    retract: async () => void seen.push('retracted'),
  }
  const stop = beginReports({ instance: endpoint, store, every: EVERY, clock })
  return { clock, endpoint, seen, stop }
}

test('an instance reports itself at once, and then once in each interval, for three of them', async () => {
  const { clock, endpoint, seen, stop } = start()
  expect(seen).toMatchObject([{ id: endpoint.instanceId, lifetime: 3 * EVERY }])
  const [first] = seen
  expect(first === 'retracted' ? undefined : readReport(first?.facts ?? '')).toMatchObject({
    name: 'notes',
    version: '2.1',
    calls: 0,
    streams: 0,
    draining: false,
    pid: process.pid,
  })
  // The first interval is a part of one, so that a fleet does not report in one moment.
  await clock.advance(EVERY)
  expect(seen).toHaveLength(2)
  for (let i = 0; i < 10; i++) await clock.advance(EVERY)
  expect(seen).toHaveLength(12)
  stop()
  await clock.advance(10 * EVERY)
  expect(seen).toHaveLength(12)
})

test('an instance that shuts down says so, and removes its report', async () => {
  const { clock, endpoint, seen } = start()
  const other = start()
  const closed = endpoint.close()
  const [, draining] = seen
  expect(draining === 'retracted' ? undefined : readReport(draining?.facts ?? '')?.draining).toBe(true)
  await closed
  expect(seen.at(-1)).toBe('retracted')
  const before = seen.length
  await clock.advance(10 * EVERY)
  expect(seen).toHaveLength(before)
  // The other instance of this process goes on.
  expect(other.seen).toHaveLength(1)
  other.stop()
})

test('a store that does not answer costs a report, and nothing else', async () => {
  const clock = new ManualClock()
  const endpoint = createEndpoint(new McpServer({ name: 'notes', version: '2.1' }), { clock })
  let asked = 0
  const report = async () => {
    asked++
    throw new Error('away')
  }
  const stop = beginReports({ instance: endpoint, store: { report, retract: async () => {} }, every: EVERY, clock })
  await clock.advance(EVERY)
  expect(asked).toBe(2)
  stop()
})

test('a report of a newer build is read, and a text of another form is none', () => {
  expect(readReport('{"name":"a","later":1,"calls":"many"}')).toMatchObject({ name: 'a', calls: 0, host: '' })
  expect(readReport('[]')).toBeUndefined()
  expect(readReport('no JSON')).toBeUndefined()
})
