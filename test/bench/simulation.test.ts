/** The simulation of a deployment, and the document with the figures of a run. */
import { expect, test } from 'vitest'
import { withReport } from './document.ts'
import type { BusCost } from './operations/bus.ts'
import type { Operation } from './operations/operations.ts'
import type { Report } from './report.ts'
import { busCosts } from './simulation/costs.ts'
import { MIX } from './simulation/mix.ts'
import { mostChanges, sessionsPerCore, simulate } from './simulation/simulate.ts'
import { simulationText } from './simulation/text.ts'

const PUBLISH = 40
const WAKE = 20

/** As if measured: a change costs 40 us, and 20 us for each instance that reads it. */
function bus(receivers: number): BusCost {
  const change = PUBLISH + receivers * WAKE
  const fast = { rate: 100, busy: 0, change: PUBLISH + (receivers * WAKE) / 2 + receivers / 2, reads: 50, slowest: 0 }
  return { receivers, idle: 0, change, mail: 30, fast }
}

const operation = (name: Operation['name'], redis: number): Operation => ({
  name,
  title: name,
  redis,
  instances: 10 * redis,
  scripts: 1,
})
const measured = {
  operations: [operation('echo', 20), operation('ask', 300), operation('heartbeat', 10), operation('instance', 300)],
  bus: [bus(10), bus(1_000)],
}
const large = { instances: 1_000, sessions: 1_000_000, mix: MIX }

test('the costs of the bus are those of a change, of each instance that it wakes, and of a further change in a read', () => {
  expect(busCosts(measured.bus)).toMatchObject({ publish: PUBLISH, wake: WAKE, mail: 30 })
  // Half of the changes share the read of another one, and cost half a us for each instance.
  expect(busCosts(measured.bus).entry).toBeCloseTo(1)
})

test('a few changes take of the node what they cost one by one', () => {
  const { bus: node, changes } = simulate(measured, { ...large, slots: 1, mix: { ...MIX, updates: 0.02 } })
  expect(changes).toBeCloseTo(2, 2)
  const mails = (((1_000_000 * 2) / 60) * 0.03 * 30) / 1e6
  expect(node.busy).toBeGreaterThan(mails + 0.02)
  expect(node.busy).toBeLessThan(mails + 0.12)
  // The last of 1,000 instances has it when the others have it.
  expect(node.last.p50).toBeGreaterThan(20)
})

test('the bus is the first limit of a thousand instances, and its slots move that limit', () => {
  expect(simulate(measured, { ...large, slots: 1 }).bus.busy).toBeGreaterThan(0.9)
  expect(simulate(measured, { ...large, slots: 8 }).bus.busy).toBeLessThan(0.5)
  const most = [1, 4, 16].map((slots) => mostChanges(measured, 1_000, slots))
  expect(most).toEqual([...most].sort((a, b) => a - b))
  expect(most[0]).toBeLessThan(100)
  expect(mostChanges(measured, 10, 1)).toBeGreaterThan(900)
})

test('more sessions than a core of Redis serves need more nodes', () => {
  const most = sessionsPerCore(measured, MIX)
  const nodes = (sessions: number) => simulate(measured, { instances: 10, slots: 1, mix: MIX, sessions }).nodes
  expect(nodes(most * 0.9)).toBe(1)
  expect(nodes(most * 1.5)).toBe(2)
})

test('the text says which limit comes first', () => {
  const text = simulationText(measured)
  expect(text).toMatch(/The first limit is the node of the bus/)
  const cheap = {
    ...measured,
    bus: measured.bus.map((one) => ({ ...one, change: 1 + one.receivers / 100, fast: { ...one.fast, change: 1 } })),
  }
  expect(simulationText(cheap)).toMatch(/The node of the bus is no limit/)
})

test('the figures of a run take the place of those of the run before', () => {
  const report: Report = {
    machine: 'M',
    node: 'v1',
    date: 'D',
    rounds: 1,
    connections: 1,
    races: [],
    figures: [],
    ceilings: measured,
  }
  const block = (name: string, text: string) =>
    `<!-- npm run bench: ${name} -->\n${text}<!-- /npm run bench: ${name} -->`
  const document = `a\n${block('machine', 'old\n')}\nb\n${block('races', '')}\n${block('bus', '')}`
  const written = withReport(document, report)
  expect(written).toContain(block('machine', 'M, Node v1, D: one run, 1 rounds, 1 connections.\n'))
  expect(written).toContain(block('races', 'Not measured in this run.\n'))
  expect(written).toContain('| 1,000 | 0.0 | 30 | 20040 | 20 |')
  expect(withReport(written, report)).toBe(written)
  expect(() => withReport(block('other', ''), report)).toThrow('The block other of the document is unknown')
  expect(() => withReport('<!-- npm run bench: bus -->\n<!-- npm run bench: races -->', report)).toThrow('has no end')
})
