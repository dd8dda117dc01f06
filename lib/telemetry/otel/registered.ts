/** Where the API of OpenTelemetry keeps what an SDK has set, for all copies of its major version in a process. */
const GLOBAL = Symbol.for('opentelemetry.js.api.1')

interface Registered {
  version?: string
  trace?: unknown
  metrics?: unknown
}

/** What an SDK has set in this process. */
export function registered(): Registered | undefined {
  return (globalThis as { [GLOBAL]?: Registered })[GLOBAL]
}
