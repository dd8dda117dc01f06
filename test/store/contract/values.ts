import { describe, expect, test } from 'vitest'
import { fixture, type MakeStore, MINUTE, newKey, until } from './support.ts'

export function valueContract(makeStore: MakeStore): void {
  describe('values', () => {
    const f = fixture(makeStore)

    test('are kept by kind and id', async () => {
      const id = newKey()
      await f.store.setValue('user', id, 'u', MINUTE)
      await f.store.setValue('handle', id, 'h', MINUTE)
      expect(await f.store.getValue('user', id)).toBe('u')
      expect(await f.store.getValue('handle', id)).toBe('h')
      expect(await f.store.getValue('elic', id)).toBeUndefined()
      await f.store.setValue('user', id, '', MINUTE)
      expect(await f.store.getValue('user', id, MINUTE)).toBe('')
      await f.store.deleteValue('user', id)
      await f.store.deleteValue('user', id)
      expect(await f.store.getValue('user', id)).toBeUndefined()
      expect(await f.store.getValue('handle', id)).toBe('h')
    })

    test('end with their lifetime, which a read may slide', async () => {
      const [slid, left] = [newKey(), newKey()]
      await f.store.setValue('user', slid, 'v', 400)
      await f.store.setValue('user', left, 'v', 400)
      expect(await f.store.getValue('user', slid, MINUTE)).toBe('v')
      await until(async () => (await f.store.getValue('user', left)) === undefined)
      expect(await f.store.getValue('user', slid)).toBe('v')
      expect(await f.store.getValue('user', left, MINUTE)).toBeUndefined()
    })

    test('are replaced only where they exist', async () => {
      const id = newKey()
      expect(await f.store.replaceValue('handle', id, 'v', MINUTE)).toEqual({ status: 'gone' })
      expect(await f.store.getValue('handle', id)).toBeUndefined()
      await f.store.setValue('handle', id, 'v', MINUTE)
      expect(await f.store.replaceValue('handle', id, 'w', MINUTE)).toEqual({ status: 'ok' })
      expect(await f.store.getValue('handle', id)).toBe('w')
    })

    test('are added once, and a repeat with the same value is ok', async () => {
      const id = newKey()
      expect(await f.store.addValue('used', id, 'mine', MINUTE)).toEqual({ status: 'ok' })
      expect(await f.store.addValue('used', id, 'mine', MINUTE)).toEqual({ status: 'ok' })
      expect(await f.store.addValue('used', id, 'theirs', MINUTE)).toEqual({ status: 'taken' })
      expect(await f.store.getValue('used', id)).toBe('mine')
    })
  })
}
