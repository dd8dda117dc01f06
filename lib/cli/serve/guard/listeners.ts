/**
 * Listeners of a program to what concerns the whole process. The program was written to be the process of one client: on SIGTERM,
 * or after an exception that nobody catches, it cleans up and ends. Here the endpoint decides about the end, so these listeners
 * are kept apart. Those of signals are called when the endpoint has drained.
 */
import { EventEmitter } from 'node:events'
import { syncBuiltinESMExports } from 'node:module'

const SIGNALS = ['SIGTERM', 'SIGINT']
const KEPT = new Set<unknown>([...SIGNALS, 'uncaughtException', 'unhandledRejection'])
const METHODS = [
  'on',
  'addListener',
  'once',
  'prependListener',
  'prependOnceListener',
  'off',
  'removeListener',
  'removeAllListeners',
] as const

/** What a program has added since {@link keepListeners}. */
export interface KeptListeners {
  /** Calls the listeners to a signal: those of SIGTERM, else of SIGINT. False where there are none. */
  emitSignal(): boolean
}

/** From now on listeners to signals and to faults of the process are kept apart. Those that are there stay. */
export function keepListeners(): KeptListeners {
  const kept = new EventEmitter()
  kept.setMaxListeners(0)
  for (const name of METHODS) {
    const original = process[name] as (event?: unknown, listener?: unknown) => unknown
    const guarded = (event?: unknown, ...more: unknown[]): unknown => {
      if (KEPT.has(event)) Reflect.apply(kept[name], kept, [event, ...more])
      // Without an event it would remove every listener of the process.
      else if (name !== 'removeAllListeners' || event !== undefined) Reflect.apply(original, process, [event, ...more])
      return process
    }
    Object.defineProperty(process, name, { configurable: true, writable: true, value: guarded })
  }
  syncBuiltinESMExports()
  return {
    emitSignal() {
      const signal = SIGNALS.find((name) => kept.listenerCount(name) > 0)
      return signal !== undefined && kept.emit(signal, signal)
    },
  }
}
