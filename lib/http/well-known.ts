/** The documents that clients read before they have a token: RFC 9728 metadata, and where 2025-03-26 looks instead. */
import type { Authorization } from '../auth/on-demand.ts'
import { ErrorCode } from '../protocol/errors.ts'
import { Refusal } from '../protocol/refusal.ts'
import { TRY_SOON } from '../runtime/reply.ts'
import { metadataSuffix, type Paths } from './paths.ts'
import { type HttpHandler, type RouteHandler, type RouteParts, route } from './route.ts'

const CACHED = { 'Cache-Control': 'public, max-age=300' }

interface WellKnown {
  /** The metadata of the protected resource. */
  document: RouteHandler
  /** To the metadata of the authorization server; undefined: none is known. */
  redirect: RouteHandler | undefined
}

export function wellKnownHandlers({ metadata, metadataOf }: Authorization, paths: Paths, parts: RouteParts): WellKnown {
  const documentRoute = (serve: HttpHandler) => {
    return route(parts, { handlers: { GET: serve, HEAD: serve }, allow: 'GET, HEAD, OPTIONS', isDocument: true })
  }
  const document = documentRoute(({ c }) => {
    const suffix = metadataSuffix(c.req.path)
    const found = metadata.documentFor(suffix) ?? metadata.documentFor(paths.own(suffix))
    if (!found) throw new Refusal(404, ErrorCode.InvalidRequest, 'There is no protected resource at this path.')
    return { kind: 'json', status: 200, body: JSON.stringify(found), headers: CACHED }
  })

  // Clients of 2025-03-26 take the endpoint's own host for the authorization server and look there.
  const [issuer] = metadata.issuers
  if (issuer === undefined) return { document, redirect: undefined }
  const redirect = documentRoute(async () => {
    try {
      const { url } = await metadataOf(issuer)
      return { kind: 'empty', status: 307, headers: { Location: url } }
    } catch (error) {
      // Its cause was reported with the first failure, and this address is open to everybody.
      const headers = error instanceof Refusal ? error.headers : TRY_SOON
      throw new Refusal(503, ErrorCode.InternalError, 'The authorization server does not answer. Try again.', {
        headers,
      })
    }
  })
  return { document, redirect }
}
