/** The addresses of the page. Its code is loaded with the first browser that asks for it. */
import type { Context, Hono, Next } from 'hono'
import { type AuthOptions, issuersOf } from '../auth/options.ts'
import { OnDemand } from '../base/on-demand.ts'
import type { Admission } from '../connect/types.ts'
import { headerReader } from '../http/headers.ts'
import type { McpParts } from '../http/mcp.ts'
import { prefersHtml } from '../http/prefers-html.ts'
import type { HttpRequest } from '../http/request.ts'
import type { RouteHandler } from '../http/route.ts'
import { INSTANCE_HEADER, PAGE_HEADER } from './about.ts'
import type { PageOption } from './options.ts'

/** A request with one of these belongs to a client, whatever it accepts. */
const OF_CLIENTS = ['mcp-session-id', 'last-event-id', 'mcp-protocol-version'] as const

interface Given extends PageOption {
  auth?: AuthOptions | 'middleware' | undefined
}

/**
 * Serves the page at `/`, and at the address of the endpoint for a GET that a browser sends. What the page needs beside its
 * HTML is at the same addresses, with the query `page`: so it is found wherever the endpoint is found, behind every proxy.
 *
 * @param mcp the handler of the endpoint's own address
 * @param given the options of the endpoint
 * @param server what the server is called: filled in once it is open
 * @returns the handler in its place, which also serves what the page sends beside MCP, and names the instance in responses
 */
export function pageRoutes(
  app: Hono,
  mcp: RouteHandler,
  parts: McpParts,
  given: Given,
  server: { readonly name: string },
): RouteHandler {
  const { paths } = parts
  const options = typeof given.page === 'object' ? given.page : {}
  const facts = { options, admission: admissionOf(given), server }
  const page = new OnDemand(async () => (await import('./serve.ts')).pageHandler(parts, facts))
  const serve = async (c: Context, next: Next): Promise<Response | undefined> => {
    const response = isForPage(c) ? await (await page.load())(c) : undefined
    if (response) return response
    await next()
    return undefined
  }
  for (const path of new Set([...paths.routes('/'), ...paths.routes(paths.path)])) app.get(path, serve)
  const instance = options.instance ?? parts.instance
  const served = async (c: HttpRequest): Promise<Response> => {
    const own = options.fleet && hasPageQuery(c) ? await (await page.load())(c) : undefined
    const response = own ?? (await mcp(c))
    response.headers.set(INSTANCE_HEADER, instance)
    return response
  }
  return (c) => (headerReader(c)(PAGE_HEADER) === undefined ? mcp(c) : served(c))
}

function isForPage(c: HttpRequest): boolean {
  if (hasPageQuery(c)) return true
  const header = headerReader(c)
  return prefersHtml(header('accept')) && OF_CLIENTS.every((name) => header(name) === undefined)
}

function hasPageQuery({ req }: HttpRequest): boolean {
  return /[?&]page=/.test(req.url)
}

function admissionOf({ auth }: Given): Admission {
  if (!auth) return 'open'
  return auth !== 'middleware' && issuersOf(auth).length > 0 ? 'oauth' : 'token'
}
