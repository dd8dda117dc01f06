/**
 * A store of your own: it counts and times the operations of another store.
 *
 * `Store` describes what each operation must do. A store with its own data implements them all. This one passes each
 * operation on to the inner store.
--
 */
import type { Store } from 'mcp-anywhere'

interface Measure {
  calls: number
  failures: number
  /** All calls together. */
  seconds: number
}

interface MeteredStore {
  store: Store
  /** By the name of the operation. */
  measures: ReadonlyMap<string, Measure>
}

/**
 * Measures the operations of `inner`.
 *
 * @example
 * const { store, measures } = meteredStore(redisStore('redis://localhost:6379'))
 * const endpoint = createEndpoint(server, { store })
 */
export function meteredStore(inner: Store): MeteredStore {
  const measures = new Map<string, Measure>()

  function measured(name: string, operation: (...args: unknown[]) => unknown) {
    return (...args: unknown[]): unknown => {
      const measure = measures.get(name) ?? { calls: 0, failures: 0, seconds: 0 }
      measures.set(name, measure)
      const start = performance.now()
      const end = (failed: boolean) => {
        measure.calls += 1
        measure.failures += Number(failed)
        measure.seconds += (performance.now() - start) / 1_000
      }
      const reply = operation.apply(inner, args)
      if (!(reply instanceof Promise)) {
        end(false)
        return reply
      }
      // The caller gets the promise of the store itself: a failure is the caller's to handle.
      reply.then(
        () => end(false),
        () => end(true),
      )
      return reply
    }
  }

  const store = new Proxy(inner, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name)
      return typeof member === 'function' ? measured(String(name), member.bind(target)) : member
    },
  })
  return { store, measures }
}

/** The text format of Prometheus. */
export function prometheusText(measures: ReadonlyMap<string, Measure>): string {
  const lines = [...measures].flatMap(([operation, { calls, failures, seconds }]) => [
    `mcp_store_calls_total{operation="${operation}"} ${calls}`,
    `mcp_store_failures_total{operation="${operation}"} ${failures}`,
    `mcp_store_seconds_total{operation="${operation}"} ${seconds}`,
  ])
  return `${lines.join('\n')}\n`
}
