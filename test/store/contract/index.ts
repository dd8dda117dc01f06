/**
 * The contract suite: tests that every store must pass. A test file calls {@link storeContract}, which needs vitest and a
 * store, nothing else. Of the library, the files of this folder import types of lib/store only, and the constants of journal.ts.
 */
import { describe, expect, test } from 'vitest'
import type { StoreOptions } from '../../../lib/store/store.ts'
import { askContract } from './asks.ts'
import { busContract } from './bus.ts'
import { byteContract } from './bytes.ts'
import { callContract } from './calls.ts'
import { changeContract } from './changes.ts'
import { checked } from './checked.ts'
import { endingContract } from './endings.ts'
import { define, journalBounds, journalScenarios } from './journal.ts'
import { limitContract } from './limits.ts'
import { logContract } from './logs.ts'
import { sessionContract } from './sessions.ts'
import { streamContract } from './streams.ts'
import type { MakeStore } from './support.ts'
import { suspendedScenarios } from './suspended.ts'
import { valueContract } from './values.ts'

export interface ContractOptions {
  /** The name of the store in the names of the tests. */
  name: string
  /** False where a layer above the store changes the texts: their bytes are not those of the tests. Default true. */
  keepsForm?: boolean | undefined
  /** Runs after each operation, for what the interface does not show: for example that every key has a lifetime. */
  afterEachOperation?: (() => Promise<void>) | undefined
}

/**
 * Defines the tests of a store. `makeStore` is called before each test, with the lifetimes and bounds of the test, and
 * returns a store over an empty place; the suite closes it after the test.
 *
 * @example
 * storeContract((options) => new PostgresStore(url, options), { name: 'Postgres' })
 */
export function storeContract(
  makeStore: MakeStore,
  { name, keepsForm = true, afterEachOperation }: ContractOptions,
): void {
  const make: MakeStore = async (options?: StoreOptions) => {
    const store = await makeStore(options)
    return afterEachOperation ? checked(store, afterEachOperation) : store
  }
  describe(`${name} keeps the contract`, () => {
    test('it has a name, reports whether its state leaves the process, and answers after a sleep', async () => {
      const store = await make()
      expect(store.name).not.toBe('')
      expect(store.leavesProcess).toBeTypeOf('boolean')
      store.wake(3_600_000)
      await store.ping()
      await store.close()
    })

    sessionContract(make)
    callContract(make)
    endingContract(make)
    streamContract(make)
    logContract(make)
    askContract(make)
    changeContract(make)
    busContract(make)
    valueContract(make)
    limitContract(make)
    define('the journal of a durable call', make, journalScenarios)
    define('a suspended call', make, suspendedScenarios)
    if (!keepsForm) return
    byteContract(make)
    define('the bounds of a journal', make, journalBounds)
  })
}
