/** `legacy: 'reject'` of `createMcpHandler`: requests of the 2025 revisions are refused, as the official SDK refuses them. */
import { parseJson, readChunks, requireJson } from '../http/body.ts'
import { refuse } from '../http/respond.ts'
import { ErrorCode, invalidRequest } from '../protocol/errors.ts'
import { isObject, type JsonObject, type RequestId } from '../protocol/jsonrpc.ts'
import { Refusal } from '../protocol/refusal.ts'
import { STATELESS_REVISION } from '../protocol/revisions.ts'
import type { HttpOptions } from '../settings.ts'
import { hasClaim } from '../stateless/claim.ts'

type Bounds = Pick<HttpOptions, 'maxBytes' | 'maxDepth'>

/**
 * @param given the body, where it was read already
 * @returns the response to a request of an older revision. Else the endpoint serves the request, with the body that is returned
 */
export async function refuseLegacy(
  request: Request,
  given: unknown,
  bounds: Bounds,
): Promise<Response | { parsedBody: unknown }> {
  const named = request.headers.get('mcp-protocol-version')?.trim()
  if (named === STATELESS_REVISION || request.method === 'OPTIONS') return { parsedBody: given }
  let id: RequestId | undefined
  try {
    if (request.method !== 'POST') throw noSessions(request.method)
    requireJson((name) => request.headers.get(name) ?? undefined, given !== undefined)
    const body = given ?? parseJson(await readChunks(request, bounds.maxBytes, undefined), bounds, undefined)
    // It lacks its header: the endpoint says so.
    if (hasClaim(body)) return { parsedBody: body }
    if (Array.isArray(body)) throw invalidRequest(`A batch is not served. ${ALONE}`)
    const message: JsonObject = isObject(body) ? body : {}
    if (typeof message.method !== 'string') throw invalidRequest(`This is no request. ${ALONE}`)
    if (message.id === undefined) return new Response(null, { status: 202 })
    if (typeof message.id === 'string' || typeof message.id === 'number') id = message.id
    throw otherRevision(message, named)
  } catch (error) {
    return refuse(error, undefined, () => {}, id)
  }
}

const ALONE = `This endpoint serves ${STATELESS_REVISION} alone.`

function noSessions(method: string): Refusal {
  return new Refusal(405, ErrorCode.ServerError, `${method} belongs to sessions. ${ALONE}`, {
    headers: { Allow: 'POST' },
  })
}

function otherRevision({ method, params }: JsonObject, named: string | undefined): Refusal {
  const requested = method === 'initialize' && isObject(params) ? params.protocolVersion : named
  const data = { supported: [STATELESS_REVISION], ...(typeof requested === 'string' && { requested }) }
  return new Refusal(400, ErrorCode.UnsupportedProtocolVersion, ALONE, { data })
}
