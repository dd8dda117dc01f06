/** The rules of a request are found before its method checks it: that takes no longer than the method's bounds allow. */
import { afterEach, expect, test, vi } from 'vitest'
import { policyOf } from '../../lib/server/registry/policy.ts'
import { Registry } from '../../lib/server/registry/registry.ts'

afterEach(() => vi.restoreAllMocks())

test.each([
  [100, 2_000, 100],
  [1_000, 2_000, 0],
  [1_001, 10, 0],
])('%i URIs of %i characters are matched %i times', (count, length, matched) => {
  const found = vi.spyOn(Registry.prototype, 'findResource')
  const resourceSubscriptions = Array.from({ length: count }, (_, i) => `note://${i}/`.padEnd(length, 'x'))
  policyOf(new Registry({}), 'subscriptions', { notifications: { resourceSubscriptions } })
  expect(found).toHaveBeenCalledTimes(matched)
})
