/** The two parts of a name of a connection or run: `<instance>:<token>`. */

import { randomId } from '../base/ids.ts'

export function instanceOf(name: string): string {
  return name.slice(0, Math.max(0, name.indexOf(':')))
}

export function tokenOf(name: string): string {
  return name.slice(name.indexOf(':') + 1)
}

/**
 * A new id of an instance: as `hasMailSign` and `busSlotOf` of lib/store/bus.ts read it.
 * @param slots in how many slots the bus is
 */
export function newInstanceId(slots = 1): string {
  const id = randomId(9)
  const slot = Buffer.from(id).reduce((sum, byte) => sum + byte, 0) % slots
  return slot === 0 ? `${id}~` : `${id}.${slot}~`
}
