/** The store of the example keeps the contract of every store, and counts what it is asked for. */
import { memoryStore } from 'mcp-anywhere'
import { expect, test } from 'vitest'
import { meteredStore, prometheusText } from '../../examples/own-store/metered-store.ts'
import { storeContract } from '../store/contract/index.ts'

storeContract(async (options) => meteredStore(memoryStore(options)).store, {
  name: 'the metered store of the examples',
})

test('counts calls and failures by operation', async () => {
  const inner = memoryStore()
  const { store, measures } = meteredStore(inner)
  await store.ping()
  inner.ping = () => Promise.reject(new Error('away'))
  await expect(store.ping()).rejects.toThrow('away')
  expect(measures.get('ping')).toEqual({ calls: 2, failures: 1, seconds: expect.any(Number) })
  expect(prometheusText(measures)).toContain('mcp_store_failures_total{operation="ping"} 1\n')
  await store.close()
})
