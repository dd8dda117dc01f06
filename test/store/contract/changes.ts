import { describe, expect, test } from 'vitest'
import { type Advance, comparePositions } from '../../../lib/store/store.ts'
import { entry, type Fixture, fixture, type MakeStore, newKey } from './support.ts'

export function changeContract(makeStore: MakeStore): void {
  describe('the list of changes', () => {
    const f = fixture(makeStore)

    test('returns the changes after a position, in order', async () => {
      const before = (await f.store.changePosition(f.key)) ?? ''
      await f.store.publish({ kind: 'tools' })
      await f.store.publish({ kind: 'updated', uri: 'file:///a' })
      const { entries, trimmed } = await f.store.changesAfter(before)
      expect(trimmed).toBe(false)
      expect(entries.map(({ change }) => change)).toEqual([{ kind: 'tools' }, { kind: 'updated', uri: 'file:///a' }])
      const [first, second] = entries.map(({ at }) => at) as [string, string]
      expect(comparePositions(first, second)).toBeLessThan(0)
      expect((await f.store.changesAfter(first)).entries.map(({ at }) => at)).toEqual([second])
      expect(await f.store.changesAfter(second)).toEqual({ entries: [], trimmed: false })
    })

    test('everything that is published after a session began is new to it', async () => {
      const key = newKey()
      await f.store.createSession(key, 'r', 60_000)
      await f.store.publish({ kind: 'prompts' })
      const position = (await f.store.changePosition(key)) ?? ''
      const { entries } = await f.store.changesAfter(position)
      expect(entries.at(-1)?.change).toEqual({ kind: 'prompts' })
      expect(await f.store.changePosition(newKey())).toBeUndefined()
    })
  })

  describe('a list of changes over its bound', () => {
    const f = fixture(makeStore, { changes: 3 })

    test('reports a position before its oldest change as trimmed', async () => {
      const at: string[] = []
      for (let i = 0; i < 6; i++) at.push(await published(f, `file:///${i}`))
      const uris = async (position = '') => {
        const { entries, trimmed } = await f.store.changesAfter(position)
        return { uris: entries.map(({ change }) => 'uri' in change && change.uri), trimmed }
      }
      const left = ['file:///3', 'file:///4', 'file:///5']
      expect(await uris(at[1])).toEqual({ uris: left, trimmed: true })
      expect(await uris(at[2])).toEqual({ uris: left, trimmed: false })
      expect(await uris(at[4])).toEqual({ uris: ['file:///5'], trimmed: false })
    })
  })

  describe('advancing a session through the list of changes', () => {
    const f = fixture(makeStore)

    test('adds the messages, and the updates of URIs that were subscribed before', async () => {
      const from = await held(f)
      await f.store.subscribe(f.key, 'file:///a', 10)
      const at = await published(f, 'file:///a')
      const to = later(at)
      const advance = moving(from, to, {
        messages: ['tools'],
        updates: [
          { uri: 'file:///a', at, message: 'a changed' },
          { uri: 'file:///a', at: '1-0', message: 'a changed long before' },
          { uri: 'file:///b', at, message: 'b changed' },
        ],
      })
      expect(await f.store.advance(f.key, advance)).toEqual({
        status: 'ok',
        entries: [entry(1, 'tools'), entry(2, 'a changed')],
      })
      expect(await f.store.changePosition(f.key)).toBe(to)
      expect(await f.store.readLog(f.key, 'get')).toEqual([entry(1, 'tools'), entry(2, 'a changed')])
    })

    test('adds each change once, also when repeated', async () => {
      const from = await held(f)
      const advance = moving(from, later(from), { messages: ['m'] })
      const first = await f.store.advance(f.key, advance)
      expect(await f.store.advance(f.key, advance)).toEqual(first)
      expect(await f.store.advance(f.key, { ...advance, to: later(advance.to) })).toEqual({
        status: 'moved',
      })
      expect(await f.store.readLog(f.key, 'get')).toHaveLength(1)
      const next = moving(advance.to, later(advance.to), { messages: ['n'] })
      expect(await f.store.advance(f.key, next)).toEqual({ status: 'ok', entries: [entry(2, 'n')] })
    })

    test('moves the position where there is no message', async () => {
      const from = await held(f)
      expect(await f.store.advance(f.key, moving(from, later(from), {}))).toEqual({ status: 'ok', entries: [] })
      expect(await f.store.changePosition(f.key)).toBe(later(from))
    })

    test('is for the holder only', async () => {
      const from = await held(f)
      await f.store.take(f.key, 'get', 'i2:c2', undefined)
      const advance = moving(from, later(from), { messages: ['m'] })
      expect(await f.store.advance(f.key, advance)).toEqual({ status: 'moved' })
      expect(await f.store.advance(f.key, { ...advance, holder: 'i2:c2' })).toMatchObject({ status: 'ok' })
      expect(await f.store.readLog(f.key, 'get')).toHaveLength(1)
    })

    test('counts its messages as sent to the holder', async () => {
      const from = await held(f)
      await f.store.advance(f.key, moving(from, later(from), { messages: ['m'] }))
      expect(await f.store.take(f.key, 'get', 'i2:c2', undefined)).toMatchObject({ position: 1, entries: [] })
    })

    test('adds nothing for a subscription that has ended', async () => {
      const from = await held(f)
      await f.store.subscribe(f.key, 'file:///a', 10)
      await f.store.unsubscribe(f.key, 'file:///a')
      const to = later(from)
      const updates = [{ uri: 'file:///a', at: to, message: 'a changed' }]
      expect(await f.store.advance(f.key, moving(from, to, { updates }))).toEqual({ status: 'ok', entries: [] })
    })
  })
}

/** Publishes an update; returns its position. */
async function published({ store, key }: Fixture, uri: string): Promise<string> {
  await store.publish({ kind: 'updated', uri })
  const { entries } = await store.changesAfter((await store.changePosition(key)) ?? '')
  return entries.at(-1)?.at ?? ''
}

/** Takes the GET stream; returns where the session stands. */
async function held({ store, key }: Fixture): Promise<string> {
  await store.take(key, 'get', 'i1:c1', undefined)
  return (await store.changePosition(key)) ?? ''
}

function moving(from: string, to: string, more: Partial<Advance>): Advance {
  return { holder: 'i1:c1', tag: 't1', from, to, messages: [], updates: [], ...more }
}

/** A position in the next hour. */
function later(position: string): string {
  return `${Number(position.split('-')[0]) + 3_600_000}-0`
}
