/** What is loaded with the first request that needs it: most deployments have none of it. */
import type { Hono } from 'hono'
import type { Authorization } from '../auth/on-demand.ts'
import { WELL_KNOWN } from '../auth/options.ts'
import { OnDemand } from '../base/on-demand.ts'
import type { McpParts } from './mcp.ts'
import { LEGACY_PATHS } from './paths.ts'

/** The reader of bodies that a framework has parsed. */
export const PARSED = new OnDemand(() => import('./parsed-body.ts').then(({ readParsed }) => ({ readParsed })))

/** The events of streams, where somebody listens. */
export const STREAM_EVENTS = new OnDemand(() =>
  import('./stream-event.ts').then(({ watchStream }) => ({ watchStream })),
)

/** The addresses of HTTP+SSE. */
export function legacyRoutes(app: Hono, parts: McpParts): void {
  const handlers = new OnDemand(async () => (await import('./legacy-sse.ts')).legacyHandlers(parts))
  for (const [i, address] of LEGACY_PATHS.entries()) {
    for (const path of parts.paths.routes(address)) {
      app.all(path, async (c, next) => (await handlers.load())[i]?.(c) ?? next())
    }
  }
}

/** The addresses of the documents about authorization. */
export function wellKnownRoutes(app: Hono, auth: Authorization, parts: McpParts): void {
  const { paths } = parts
  const handlers = new OnDemand(async () => (await import('./well-known.ts')).wellKnownHandlers(auth, paths, parts))
  for (const path of [...paths.routes(WELL_KNOWN), ...paths.routes(`${WELL_KNOWN}/*`)]) {
    app.all(path, async (c) => (await handlers.load()).document(c))
  }
  for (const path of paths.routes('/.well-known/oauth-authorization-server')) {
    app.all(path, async (c, next) => (await handlers.load()).redirect?.(c) ?? next())
  }
}
