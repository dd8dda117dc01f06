/** Work at the store for a call that cannot go on without it. */
import { pause } from '../../base/clock.ts'
import { jitter } from '../../base/ids.ts'
import type { Instance } from '../../runtime/instance.ts'
import { StoreUnavailable } from '../../store/store.ts'

/** The part of a call that waits for the store. */
export interface Patient {
  readonly isClosed: boolean
  /** The store did not do the work in time, with its trouble, or it failed. */
  giveUp(trouble: StoreUnavailable | undefined): void
}

/** How long the work waits for the end of a trouble that does not pass in a moment, in ms. */
const LASTING_PATIENCE = 2_000

/**
 * Tries until the store has done the work, the call is closed, or `storePatience` is over: then the call ends too. A
 * trouble that does not pass in a moment, such as a full store, gets a moment only. Undefined: closed or given up.
 */
export async function patiently<T>(
  instance: Instance,
  patient: Patient,
  work: () => Promise<T>,
): Promise<T | undefined> {
  const { clock, options } = instance
  const since = clock.now()
  for (let wait = 50; ; wait = Math.min(wait * 2, 1_000)) {
    try {
      return await work()
    } catch (error) {
      const trouble = error instanceof StoreUnavailable ? error : undefined
      const patience = trouble?.lasting ? Math.min(LASTING_PATIENCE, options.storePatience) : options.storePatience
      if (!trouble || clock.now() - since > patience) {
        instance.report(error)
        patient.giveUp(trouble)
        return undefined
      }
    }
    await pause(clock, jitter(wait))
    if (patient.isClosed) return undefined
  }
}
