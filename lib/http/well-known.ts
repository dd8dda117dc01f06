/** What clients look for before they have a token: RFC 9728 metadata, and where 2025-03-26 looks instead. */
import type { Context, Hono } from 'hono'
import type { ResourceMetadata } from '../auth/metadata.ts'
import { WELL_KNOWN } from '../auth/metadata.ts'
import type { Admission } from '../auth/on-demand.ts'
import { issuersOf } from '../auth/options.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { Doors } from './cors.ts'
import { headerReader } from './headers.ts'
import { failure } from './respond.ts'

const JSON_HEADERS = { 'Content-Type': 'application/json', 'Cache-Control': 'public, max-age=300' }

export function wellKnownRoutes(
  app: Hono,
  { authenticator, metadata }: { authenticator: Admission; metadata: ResourceMetadata },
  doors: Doors,
  onError: (error: unknown) => void,
): void {
  const route = (serve: (path: string, extra: Record<string, string>) => Response | Promise<Response>) => {
    return (c: Context) => {
      const header = headerReader(c)
      const { refused, headers: extra = {} } = doors.admit(header, c.req)
      if (refused !== undefined) return failure(403, ErrorCode.InvalidRequest, refused, extra)
      const { method, path } = c.req
      if (method === 'OPTIONS')
        return new Response(null, { status: 204, headers: { ...extra, ...doors.preflight(header) } })
      if (method === 'GET' || method === 'HEAD') return serve(path, extra)
      return failure(405, ErrorCode.InvalidRequest, 'Use GET here.', { ...extra, Allow: 'GET, HEAD, OPTIONS' })
    }
  }
  const document = route((path, extra) => {
    const found = metadata.documentFor(path.slice(WELL_KNOWN.length))
    if (!found) return failure(404, ErrorCode.InvalidRequest, 'There is no protected resource at this path.', extra)
    return new Response(JSON.stringify(found), { headers: { ...JSON_HEADERS, ...extra } })
  })
  app.all(WELL_KNOWN, document)
  app.all(`${WELL_KNOWN}/*`, document)

  // Clients of 2025-03-26 take the endpoint's own host for the authorization server and look there.
  const [issuer] = issuersOf(authenticator.options)
  if (issuer === undefined) return
  app.all(
    '/.well-known/oauth-authorization-server',
    route(async (_path, extra) => {
      try {
        const { url } = await authenticator.metadataOf(issuer)
        return new Response(null, { status: 307, headers: { ...extra, Location: url } })
      } catch (error) {
        onError(error)
        const message = 'The authorization server does not answer. Try again.'
        return failure(503, ErrorCode.InternalError, message, { ...extra, 'Retry-After': '1' })
      }
    }),
  )
}
