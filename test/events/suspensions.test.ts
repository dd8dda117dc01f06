/** How suspensions, and the runs after them, are shown in the log and in metrics. */
import { setImmediate } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import { type CallEvent, publish } from '../../lib/base/events.ts'
import { openLog } from '../../lib/platform/log.ts'
import { recordEvents } from '../../lib/telemetry/metrics/record.ts'

const ends: (() => void)[] = []
afterEach(() => {
  for (const end of ends.splice(0)) end()
})

function call(more: Partial<CallEvent>): CallEvent {
  const about = { method: 'tools/call', kind: 'tool' as const, name: 'transfer', isKnown: true as const }
  return { instance: 'i', revision: '2025-11-25', id: 1, ...about, run: 'first', outcome: 'ok', durationMs: 5, ...more }
}

async function logged(publishAll: () => void): Promise<Record<string, unknown>[]> {
  const parts: string[] = []
  const log = openLog({ requests: true, out: { write: (part) => parts.push(part) } })
  ends.push(() => log.close())
  publishAll()
  await setImmediate()
  return parts
    .join('')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
}

test('a run that ends with a suspension, and the one that goes on, have lines without a warning', async () => {
  const lines = await logged(() => {
    publish('call', call({ outcome: 'suspended' }))
    publish('takeover', { instance: 'i', session: 's', id: 1, method: 'tools/call', outcome: 'woken', sent: 2 })
    publish('call', call({ run: 'wake' }))
  })
  expect(lines).toMatchObject([
    { level: 'INFO', tool: 'transfer', outcome: 'suspended' },
    { level: 'INFO', tool: 'transfer', outcome: 'ok', run: 'wake' },
  ])
})

test('suspensions are counted by tool, and a run that was suspended is no operation that is over', () => {
  const counted: unknown[] = []
  const observed: unknown[] = []
  const end = recordEvents({
    count: (counter, labels) => void counted.push([counter, labels]),
    observe: (histogram, labels) => void observed.push([histogram, labels]),
  })
  ends.push(end)
  publish('call', call({ outcome: 'suspended' }))
  publish('takeover', { instance: 'i', session: 's', id: 1, method: 'tools/call', outcome: 'woken', sent: 2 })
  expect(counted).toEqual([
    ['suspensions', { tool: 'transfer' }],
    ['takeovers', { outcome: 'woken' }],
  ])
  expect(observed).toEqual([])
})
