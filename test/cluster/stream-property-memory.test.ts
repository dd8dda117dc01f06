import { expect, test } from 'vitest'
import { memoryStore } from '../../lib/store/memory/index.ts'
import { checkStreamRule } from './stream-property.ts'

test('a client receives the log in order, each message once, or an explicit error (memory)', async () => {
  await expect(checkStreamRule(() => memoryStore(), 1_500)).resolves.toBeUndefined()
}, 180_000)
