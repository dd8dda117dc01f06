/**
 * Random orders of what two instances, a client and the clock do to a durable call, whatever its runs are: zombies go on, runs die
 * between any two steps. The rules are those of docs/model/suspend.pml. `same-replies.test.ts` shows that Redis replies the same.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Clock } from '../../lib/base/clock.ts'
import { type Journal, TIMED_OUT } from '../../lib/store/journal.ts'
import { memoryStore } from '../../lib/store/memory/index.ts'
import { durable } from './contract/scenario.ts'
import { MINUTE } from './contract/support.ts'

const KEY = 'session'
const ASKS = ['q1', 'q2']
const EMPTY: Journal = { results: new Map(), asks: new Map(), answers: new Map(), said: 0, slept: undefined }

/** What happens next. `step`: the run with this number (-1: the newest) does its next step, if it has not ended. */
type Event =
  | { kind: 'step'; run: number }
  | { kind: 'kill' | 'answer' | 'quiet answer'; which: number }
  | { kind: 'poll' | 'takeover' | 'cancel' | 'time' }

class World {
  now = 1_000_000
  readonly clock: Clock = {
    now: () => this.now,
    wall: () => this.now,
    after: () => ({ cancel() {} }),
    every: () => ({ cancel() {} }),
  }
  readonly store = memoryStore({ clock: this.clock })
  readonly runs: Run[] = []
  /** Of each ask what runs have seen, and what the client was told is stored. */
  readonly seen = new Map<string, Set<string>>(ASKS.map((ask) => [ask, new Set()]))
  readonly stored = new Set<string>()
  readonly effects = { plain: 0, single: 0 }
  /** How often an effect was under way in a run that died or lost its call. */
  hits = 0
  cancelled = false
  unknown = false

  start(owner: string, journal: Journal, end: number): void {
    this.runs.push(new Run(this, owner, journal, end))
  }

  async happen(event: Event): Promise<void> {
    const { store } = this
    if (event.kind === 'step') return this.runs.at(event.run % this.runs.length)?.step()
    if (event.kind === 'time') this.now += 20_000
    if (event.kind === 'cancel')
      this.cancelled = (await store.cancel(KEY, 'n:1')).status !== 'unknown' || this.cancelled
    if (event.kind === 'poll' && (await store.poll(KEY, 'S', { n: 0, tag: '' })).status === 'due') await this.claim('')
    if (event.kind === 'takeover') await this.claim(this.runs.at(-1)?.owner ?? '')
    if (event.kind === 'kill') this.runs[event.which % this.runs.length]?.die()
    if (event.kind === 'answer' || event.kind === 'quiet answer') {
      const ask = ASKS[event.which % 2] ?? ''
      const owner = `i:run${this.runs.length + 1}`
      const reply = await store.answer(KEY, ask, 'yes', event.kind === 'answer' ? owner : undefined)
      if (reply.status === 'ok') this.stored.add(ask)
      const taken = 'taken' in reply ? reply.taken : undefined
      if (taken) this.start(owner, taken.journal ?? EMPTY, taken.end)
    }
  }

  async claim(expected: string): Promise<void> {
    const owner = `i:run${this.runs.length + 1}`
    const claim = await this.store.claim(KEY, 'S', expected, owner)
    if (claim.status !== 'ok') return
    for (const run of this.runs) run.lost()
    this.start(owner, claim.journal ?? EMPTY, claim.end)
  }

  async isOver(): Promise<boolean> {
    return (await this.store.readLog(KEY, 'S')).at(-1)?.final === true
  }
}

/** A handler: it says, does, asks twice and waits, says, does once at most, and ends. Each step is one operation of the store. */
class Run {
  readonly owner: string
  readonly #world: World
  readonly #journal: Journal
  #end: number
  #at = 0
  #over = false
  #doing = false

  constructor(world: World, owner: string, journal: Journal, end: number) {
    this.#world = world
    this.owner = owner
    this.#journal = journal
    this.#end = end
    for (const [ask, value] of journal.answers) this.#saw(ask, value)
  }

  #saw(ask: string, value: string): void {
    this.#journal.answers.set(ask, value)
    this.#world.seen.get(ask)?.add(value)
  }

  get isOver(): boolean {
    return this.#over
  }

  lost(): void {
    if (this.#doing) this.#world.hits++
    this.#doing = false
  }

  die(): void {
    this.lost()
    this.#over = true
  }

  async step(): Promise<void> {
    if (this.#over) return
    const steps = [() => this.#say(1), () => this.#once(), () => this.#ask(), () => this.#wait(), () => this.#say(2)]
    const next = [...steps, () => this.#begin(), () => this.#finish()][this.#at]
    const status = await next?.()
    if (status === 'cancelled') {
      await this.#world.store.endCall(KEY, { stream: 'S', owner: this.owner, mark: true, durable: true, forget: ASKS })
    }
    if (status === 'ok') this.#at++
    else if (status !== 'again') this.die()
  }

  async #append(messages: string[], more: object): Promise<string> {
    const { store } = this.#world
    const added = { stream: 'S', owner: this.owner, from: this.#end + 1, tag: this.owner, durable: true, final: false }
    const register = this.owner === 'i:run1' ? durable : undefined
    const reply = await store.append(KEY, {
      ...added,
      messages,
      register: register && { ...register, owner: this.owner },
      ...more,
    })
    this.#end = reply.end
    return reply.status
  }

  #say(n: number): Promise<string> | string {
    return n <= this.#journal.said ? 'ok' : this.#append([`said ${n}`], { said: n })
  }

  async #once(): Promise<string> {
    const { store, effects } = this.#world
    if (this.#journal.results.has('o')) return 'ok'
    if (!this.#doing) {
      effects.plain++
      this.#doing = true
      return 'again'
    }
    const { status } = await store.keep(KEY, { stream: 'S', owner: this.owner, name: 'o', step: 'end', value: '1' })
    this.#doing = status !== 'ok' && status !== 'known' ? this.#doing : false
    return status === 'known' ? 'ok' : status
  }

  async #begin(): Promise<string> {
    const { store, effects } = this.#world
    const step = { stream: 'S', owner: this.owner, name: 's' }
    if (!this.#doing) {
      const { status } = await store.keep(KEY, { ...step, step: 'begin' })
      if (status === 'known') return 'ok'
      if (status === 'begun') {
        this.#world.unknown = true
        return 'ok'
      }
      if (status !== 'ok') return status
      effects.single++
      this.#doing = true
      return 'again'
    }
    const { status } = await store.keep(KEY, { ...step, step: 'end', value: '1' })
    this.#doing = false
    return status
  }

  #ask(): Promise<string> | string {
    const asks = ASKS.map((id) => ({ id, key: id, digest: 'd', timeout: MINUTE }))
    if (this.#journal.asks.size > 0) return 'ok'
    return this.#append(['ask 1', 'ask 2'], { durableAsks: asks })
  }

  async #wait(): Promise<string> {
    const { store } = this.#world
    const waits = ASKS.filter((ask) => !this.#journal.answers.has(ask))
    if (waits.length === 0) return 'ok'
    for (const ask of waits) {
      const value = await store.closeAsk(KEY, ask)
      if (value !== undefined) this.#saw(ask, value)
    }
    const open = waits.filter((ask) => !this.#journal.answers.has(ask))
    if (open.length === 0) return 'again'
    const { status } = await store.suspend(KEY, { stream: 'S', owner: this.owner, asks: open })
    return status === 'news' ? 'again' : status === 'ok' ? 'suspended' : status
  }

  #finish(): Promise<string> {
    return this.#append(['response'], { final: true, forget: ASKS })
  }
}

const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 15, arbitrary: fc.constant<Event>({ kind: 'step', run: -1 }) },
  { weight: 5, arbitrary: fc.nat(9).map((run): Event => ({ kind: 'step', run })) },
  { weight: 2, arbitrary: fc.nat(3).map((which): Event => ({ kind: 'answer', which })) },
  { weight: 1, arbitrary: fc.nat(3).map((which): Event => ({ kind: 'quiet answer', which })) },
  { weight: 1, arbitrary: fc.nat(3).map((which): Event => ({ kind: 'kill', which })) },
  { weight: 3, arbitrary: fc.constantFrom<Event[]>({ kind: 'poll' }, { kind: 'takeover' }, { kind: 'time' }) },
  { weight: 1, arbitrary: fc.boolean().map((cancels): Event => ({ kind: cancels ? 'cancel' : 'poll' })) },
)

async function play(events: Event[]): Promise<void> {
  const world = new World()
  const { store } = world
  await store.createSession(KEY, 'r', 60 * MINUTE)
  await store.register(KEY, { ...durable, owner: 'i:run1' })
  world.start('i:run1', { ...EMPTY, results: new Map(), asks: new Map(), answers: new Map() }, 0)
  for (const one of events) await world.happen(one)
  // From now on nobody dies, and the client comes back: the call has to end.
  for (let i = 0; i < 40 && !(await world.isOver()); i++) {
    // A run that has ended is taken over once its instance is found to be dead.
    if (world.runs.at(-1)?.isOver) await world.happen({ kind: 'takeover' })
    await world.runs.at(-1)?.step()
    if (i % 10 === 9) await world.happen({ kind: 'time' })
    await world.happen({ kind: 'poll' })
  }
  expect(await world.isOver(), 'no wake-up is lost').toBe(true)
  const log = await store.readLog(KEY, 'S')
  expect(log.map(({ n }) => n)).toEqual(log.map((_, i) => i + 1))
  const texts = log.map(({ data }) => data).filter((data) => data !== '')
  expect(new Set(texts).size, `each message once: ${texts}`).toBe(texts.length)
  if (world.cancelled) expect(texts).not.toContain('response')
  else expect(texts).toEqual(['said 1', 'ask 1', 'ask 2', 'said 2', 'response'])
  for (const [ask, values] of world.seen) {
    expect(values.size, `every run sees the same: ${[...values]}`).toBeLessThanOrEqual(1)
    if (world.stored.has(ask)) expect([...values]).not.toContain(TIMED_OUT)
  }
  // What was still under way is as what was hit.
  for (const run of world.runs) run.lost()
  expect(world.effects.single).toBeLessThanOrEqual(1)
  expect(world.effects.plain).toBeLessThanOrEqual(1 + world.hits)
  await store.close()
}

test('whatever happens in which order, a durable call ends, says each message once, and sees one answer', async () => {
  await fc.assert(fc.asyncProperty(fc.array(event, { minLength: 20, maxLength: 120 }), play), { numRuns: 300 })
}, 60_000)
