/** OpenTelemetry for an endpoint, where it is wanted. Its code is loaded then. */
import { registered } from './registered.ts'
import type { Telemetry } from './start.ts'

class EndpointTelemetry {
  /** Undefined once it is loaded: until then requests wait, so that it has the first of them, too. It never rejects. */
  loading: Promise<Telemetry> | undefined
  readonly #loaded: Promise<Telemetry>

  constructor(report: (error: unknown) => void) {
    this.#loaded = this.#load(report)
    this.loading = this.#loaded
  }

  async #load(report: (error: unknown) => void): Promise<Telemetry> {
    try {
      const { startTelemetry } = await import('./start.ts')
      return await startTelemetry(report)
    } catch (error) {
      report(error)
      return { flush: async () => {}, end() {} }
    } finally {
      this.loading = undefined
    }
  }

  /** Has the SDK send what it has. */
  async flush(): Promise<void> {
    await (await this.#loaded).flush()
  }

  async end(): Promise<void> {
    const telemetry = await this.#loaded
    telemetry.end()
    await telemetry.flush()
  }
}

/**
 * @param wanted undefined: where an SDK has set its providers
 * @returns undefined: it is not wanted
 */
export function telemetryOf(
  wanted: boolean | undefined,
  report: (error: unknown) => void,
): EndpointTelemetry | undefined {
  const { trace, metrics } = registered() ?? {}
  return (wanted ?? (trace || metrics)) ? new EndpointTelemetry(report) : undefined
}
