/** OpenTelemetry for an endpoint, where it is wanted. Its code is loaded then. */
import { registered } from './registered.ts'

interface EndpointTelemetry {
  /** Resolves once the first request can be traced. */
  loaded: Promise<unknown>
  /** Has the SDK send what it has. */
  flush(): Promise<void>
  end(): Promise<void>
}

/**
 * @param wanted undefined: where an SDK has set its providers
 * @returns undefined: it is not wanted
 */
export function telemetryOf(
  wanted: boolean | undefined,
  report: (error: unknown) => void,
): EndpointTelemetry | undefined {
  if (!(wanted ?? registered())) return undefined
  const loaded = import('./start.ts').then(({ startTelemetry }) => startTelemetry(report))
  return {
    loaded,
    flush: async () => (await loaded).flush(),
    async end() {
      const telemetry = await loaded
      telemetry.end()
      await telemetry.flush()
    },
  }
}
