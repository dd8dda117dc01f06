import { afterEach, describe, expect, test } from 'vitest'
import type { Receiving, Store } from '../../../lib/store/store.ts'
import { fixture, Inbox, type MakeStore, newKey, until } from './support.ts'

export function busContract(makeStore: MakeStore): void {
  const started: Receiving[] = []
  afterEach(async () => {
    await Promise.all(started.splice(0).map((receiving) => receiving.stop()))
  })

  /** Receives into one inbox: mail as text, changes as their kind. */
  async function receive(store: Store, instance: string) {
    const inbox = new Inbox<string>()
    const receiving = await store.receive(instance, {
      mail: (message) => inbox.add(message),
      change: ({ change }) => inbox.add('uri' in change ? change.uri : change.kind),
      resumed: () => inbox.add('resumed'),
    })
    started.push(receiving)
    return { inbox, receiving }
  }

  describe('mail', () => {
    const f = fixture(makeStore)

    test('arrives in order', async () => {
      const instance = newKey()
      const { inbox } = await receive(f.store, instance)
      const messages = Array.from({ length: 500 }, (_, i) => `m${i}`)
      await Promise.all(messages.map((message) => f.store.send(instance, message)))
      expect(await inbox.have(500)).toEqual(messages)
    })

    test('arrives that was sent before the instance began to receive', async () => {
      const instance = newKey()
      await f.store.send(instance, 'a')
      await f.store.send(instance, 'b')
      const { inbox } = await receive(f.store, instance)
      await f.store.send(instance, 'c')
      expect(await inbox.have(3)).toEqual(['a', 'b', 'c'])
    })

    test('goes to the instance that it names', async () => {
      const [a, b] = [newKey(), newKey()]
      const atA = await receive(f.store, a)
      const atB = await receive(f.store, b)
      await f.store.send(a, 'to a')
      await f.store.send(b, 'to b')
      expect(await atA.inbox.have(1)).toEqual(['to a'])
      expect(await atB.inbox.have(1)).toEqual(['to b'])
    })

    test('is not delivered again after it was read', async () => {
      const instance = newKey()
      const first = await receive(f.store, instance)
      await f.store.send(instance, 'a')
      await first.inbox.have(1)
      await f.store.send(instance, 'b')
      await first.inbox.have(2)
      await first.receiving.stop()
      await f.store.send(instance, 'c')
      const second = await receive(f.store, instance)
      await second.inbox.have(1)
      expect(second.inbox.all).toContain('c')
      expect(second.inbox.all).not.toContain('a')
    })

    test('is delivered after a receiver has thrown', async () => {
      const instance = newKey()
      const inbox = new Inbox<string>()
      const receiving = await f.store.receive(instance, {
        mail(message) {
          if (message === 'bad') throw new Error('refused')
          inbox.add(message)
        },
        change: () => {},
        resumed: () => {},
      })
      started.push(receiving)
      await f.store.send(instance, 'bad')
      await f.store.send(instance, 'good')
      expect(await inbox.have(1)).toEqual(['good'])
    })

    test('to an instance that is down is removed', async () => {
      const instance = newKey()
      await f.store.send(instance, 'a')
      await f.store.down(instance)
      const { inbox } = await receive(f.store, instance)
      await f.store.send(instance, 'b')
      expect(await inbox.have(1)).toEqual(['b'])
    })
  })

  describe('changes', () => {
    const f = fixture(makeStore)

    test('reach every instance that receives, from the moment when it began', async () => {
      await f.store.publish({ kind: 'tools' })
      const [a, b] = [await receive(f.store, newKey()), await receive(f.store, newKey())]
      await f.store.publish({ kind: 'prompts' })
      await f.store.publish({ kind: 'updated', uri: 'file:///a' })
      expect(await a.inbox.have(2)).toEqual(['prompts', 'file:///a'])
      expect(await b.inbox.have(2)).toEqual(['prompts', 'file:///a'])
    })

    test('never overtake mail that was sent before them', async () => {
      const instance = newKey()
      const { inbox } = await receive(f.store, instance)
      const sent: string[] = []
      for (let i = 0; i < 200; i++) {
        await f.store.send(instance, `mail ${i}`)
        await f.store.publish({ kind: 'updated', uri: `change ${i}` })
        sent.push(`mail ${i}`, `change ${i}`)
      }
      const seen = await inbox.have(400)
      expect([...seen].sort()).toEqual(sent.sort())
      for (let i = 0; i < 200; i++) {
        expect(seen.indexOf(`mail ${i}`)).toBeLessThan(seen.indexOf(`change ${i}`))
      }
    })
  })

  describe('signs of life', () => {
    const f = fixture(makeStore)

    test('last for their lifetime, and end with the instance', async () => {
      const [a, b, c] = [newKey(), newKey(), newKey()]
      await f.store.up(a, 60_000, '1')
      await f.store.up(b, 60, '1')
      expect(await f.store.alive([a, c])).toEqual([true, false])
      await until(async () => !(await f.store.alive([b]))[0])
      await f.store.up(b, 60_000, '1')
      expect(await f.store.alive([a, b, c])).toEqual([true, true, false])
      await f.store.down(a)
      expect(await f.store.alive([a, b])).toEqual([false, true])
      expect(await f.store.alive([])).toEqual([])
    })

    test('return the sign before, where it has not expired', async () => {
      const [a, b] = [newKey(), newKey()]
      expect(await f.store.up(a, 60_000, '1')).toBeUndefined()
      expect(await f.store.up(a, 60, '2')).toBe('1')
      expect(await f.store.up(b, 60_000, '1')).toBeUndefined()
      await until(async () => !(await f.store.alive([a]))[0])
      expect(await f.store.up(a, 60_000, '3')).toBeUndefined()
      await f.store.down(a)
      expect(await f.store.up(a, 60_000, '4')).toBeUndefined()
    })
  })
}
