/** The API of OpenTelemetry, which is loaded where it is wanted: it is an optional peer of this package. */
export type Api = typeof import('@opentelemetry/api')

/** The name under which this package makes spans and metrics. */
export const SCOPE = 'mcp-anywhere'
