import { expect, test } from 'vitest'
import { memoryStore } from '../../../lib/store/memory/index.ts'
import { checkEngine } from './engine-property.ts'

test('a durable call ends once, keeps its effects and its messages, and sees one answer, in whichever order (memory)', async () => {
  await expect(checkEngine((clock) => memoryStore({ clock }), { numRuns: 40 })).resolves.toBeUndefined()
}, 180_000)
