/** Connections between instances, on mail that is lost, comes twice and waits. */
import { expect, test } from 'vitest'
import { Flow } from '../../../lib/cli/serve/isolate/relay/flow.ts'
import { Link } from '../../../lib/cli/serve/isolate/relay/link.ts'
import type { JsonObject } from '../../../lib/protocol/jsonrpc.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { numberOf, step } from '../../support/mulberry32.ts'

interface Ends {
  clock: ManualClock
  a: Link
  b: Link
  /** What each end has taken. */
  taken: { a: JsonObject[]; b: JsonObject[] }
  /** Frames that went from a to b. */
  frames: JsonObject[]
  flow: Flow
}

type Fate = 'arrives' | 'is lost' | 'comes twice'

function connect(fate: () => Fate, take?: (message: JsonObject) => Promise<unknown> | undefined): Ends {
  const clock = new ManualClock()
  const flow = new Flow()
  const ends: Ends = { clock, flow, taken: { a: [], b: [] }, frames: [] } as unknown as Ends
  const carry = (to: 'a' | 'b') => (frame: JsonObject) => {
    if (to === 'b') ends.frames.push(frame)
    const copy: JsonObject = JSON.parse(JSON.stringify(frame))
    const how = fate()
    if (how === 'is lost') return
    queueMicrotask(() => ends[to].receive(copy))
    if (how === 'comes twice') queueMicrotask(() => ends[to].receive(copy))
  }
  const makeTake = (at: 'a' | 'b') => (message: JsonObject) => {
    ends.taken[at].push(message)
    return at === 'b' ? take?.(message) : undefined
  }
  ends.a = new Link({ id: 'x', clock, flow, send: carry('b'), take: makeTake('a') })
  ends.b = new Link({ id: 'x', clock, flow: new Flow(), send: carry('a'), take: makeTake('b') })
  return ends
}

/** Lets promises and timers run until `holds`. */
async function runUntil({ clock }: Ends, holds: () => boolean): Promise<void> {
  for (let i = 0; i < 20_000 && !holds(); i++) {
    await new Promise((resolve) => setImmediate(resolve))
    await clock.advance(100)
  }
  expect(holds()).toBe(true)
}

test('messages of both directions arrive once and in order, whatever becomes of the mail', async () => {
  for (const seed of [1, 2, 3, 4, 5]) {
    let state = seed
    const random = () => {
      state = step(state)
      return numberOf(state)
    }
    const ends = connect(() => {
      const chance = random()
      return chance < 0.25 ? 'is lost' : chance < 0.4 ? 'comes twice' : 'arrives'
    })
    const texts = Array.from({ length: 30 }, (_, i) => ({ i, text: 'ä'.repeat(Math.floor(random() * 120_000)) }))
    for (const message of texts) void ends.a.push(message)
    for (let i = 0; i < 10; i++) void ends.b.push({ i })
    await runUntil(ends, () => ends.taken.b.length === 30 && ends.taken.a.length === 10)
    expect(ends.taken.b).toEqual(texts)
    expect(ends.taken.a).toEqual(Array.from({ length: 10 }, (_, i) => ({ i })))
    let flushed = false
    void ends.a.flushed().then(() => {
      flushed = true
    })
    await runUntil(ends, () => flushed)
    expect(ends.flow.has(8 * 1024 * 1024)).toBe(true)
  }
})

test('a text that is cut between two halves of a character is whole again', async () => {
  const ends = connect(() => 'arrives')
  const text = `${'x'.repeat(48 * 1024 - 10)}😀`.repeat(3)
  void ends.a.push({ text })
  await runUntil(ends, () => ends.taken.b.length === 1)
  expect(ends.taken.b).toEqual([{ text }])
})

test('a receiver that is slow slows the sender down', async () => {
  let go = () => {}
  const ends = connect(
    () => 'arrives',
    () => new Promise<void>((resolve) => (go = resolve)),
  )
  let pushed = 0
  const push = async () => {
    for (let i = 0; i < 100; i++) {
      await ends.a.push({ text: 'x'.repeat(40_000) })
      pushed++
    }
  }
  void push()
  await runUntil(ends, () => ends.taken.b.length === 1)
  for (let i = 0; i < 50; i++) {
    await new Promise((resolve) => setImmediate(resolve))
    await ends.clock.advance(100)
  }
  // One is being taken, and as many wait as the window has.
  expect(pushed).toBeLessThan(12)
  await runUntil(ends, () => {
    go()
    return pushed === 100
  })
})

test('what is under way to one instance has a bound for all connections, and none waits for another one', async () => {
  const ends = connect(() => 'is lost')
  ends.flow.took(8 * 1024 * 1024)
  void ends.a.push({ text: 'x'.repeat(200_000) })
  expect(ends.frames).toHaveLength(1)
  ends.a.close()
  expect(ends.flow.has(1)).toBe(false)
  ends.flow.took(-1)
  expect(ends.flow.has(1)).toBe(true)
})
