/** The store in memory says that it is full, as Redis does, so that nothing waits for a store that did not answer. */
import { expect, test } from 'vitest'
import { memoryStore } from '../../lib/store/memory/index.ts'

test('what a full store cannot take is refused with the reason', async () => {
  const store = memoryStore({ maxBytes: 1_000_000 })
  const fill = async () => {
    for (let n = 0; n < 2_000; n++) await store.createSession(`k${n}`, 'r'.repeat(1_000), 60_000)
  }
  await expect(fill()).rejects.toMatchObject({ name: 'StoreUnavailable', trouble: 'full', lasting: true })
  await store.close()
})
