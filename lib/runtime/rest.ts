/** The sleep of a process between requests: a Lambda environment between invocations. */
import type { Afterwork } from './afterwork.ts'
import type { Instance } from './instance.ts'

/** ms that the last steps at the store may take before the process sleeps. */
const FALLING_ASLEEP = 200

const ASLEEP = 'when the time of this invocation was over. It goes on, if at all, with the next one'

/** @param by when the process sleeps in any case: a moment before, work that is left is no longer waited for */
export async function rest(instance: Instance, afterwork: Afterwork, by: number | undefined): Promise<void> {
  const { clock } = instance
  const time = by === undefined ? undefined : Math.max(0, by - clock.now() - FALLING_ASLEEP)
  const timer = time === undefined ? undefined : clock.after(time, () => afterwork.giveUp(ASLEEP))
  await instance.rest().finally(() => timer?.cancel())
}
