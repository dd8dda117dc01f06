/** How full Redis is, read in the background while there is traffic. */
import { systemClock } from '../../base/clock.ts'
import { NEARLY_FULL } from '../options.ts'
import type { Commands } from './commands.ts'
import { isForbidden } from './trouble.ts'

/** From one look to the next, in ms. */
const PAUSE = 3_000

/**
 * Makes the function that returns whether a node of Redis had used so much of its `maxmemory` at the last look. The look is sent
 * with the commands of the same turn, and nobody waits for it. Without `maxmemory`, or the right to ask, Redis is never full; a
 * user without that right is asked for no more.
 */
export function memoryWatch(commands: Commands): () => boolean {
  let full = false
  let lookAt = 0
  const look = async (): Promise<void> => {
    const shares = await commands.look(
      (client) =>
        Promise.all(('nodes' in client ? client.nodes('master') : [client]).map((node) => node.info('memory'))),
      (texts) => texts.map(share),
    )
    full = Math.max(...shares) >= NEARLY_FULL
  }
  return () => {
    const now = systemClock.now()
    if (now >= lookAt) {
      lookAt = now + PAUSE
      look().catch((error) => {
        if (!isForbidden(error, 'info')) return
        lookAt = Number.POSITIVE_INFINITY
        full = false
      })
    }
    return full
  }
}

function share(info: string): number {
  const [used, max] = ['used_memory', 'maxmemory'].map((name) =>
    Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1]),
  )
  return used !== undefined && max !== undefined && max > 0 ? used / max : 0
}
