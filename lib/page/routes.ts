/** The addresses of the page. Its code is loaded with the first browser that asks for it. */
import type { Context, Hono, Next } from 'hono'
import { type AuthOptions, issuersOf } from '../auth/options.ts'
import { OnDemand } from '../base/on-demand.ts'
import type { Admission } from '../connect/types.ts'
import { fetchOptions } from '../http/fetch-options.ts'
import { headerReader } from '../http/headers.ts'
import type { McpParts } from '../http/mcp.ts'
import { prefersHtml } from '../http/prefers-html.ts'
import type { HttpRequest } from '../http/request.ts'
import type { RouteHandler } from '../http/route.ts'
import { INSTANCE_HEADER, PAGE_HEADER } from './about.ts'
import type { PageOptions } from './options.ts'

/** A request with one of these belongs to a client, whatever it accepts. */
const OF_CLIENTS = ['mcp-session-id', 'last-event-id', 'mcp-protocol-version'] as const

/** What the endpoint gives to its page. */
interface Served {
  app: Hono
  /** The handler of the endpoint's own address. */
  mcp: RouteHandler
  parts: McpParts
  auth: AuthOptions | 'middleware' | undefined
  /** What the server is called: filled in once it is open. */
  server: { readonly name: string }
}

/** The option `page` of `createEndpoint`. */
export interface Page {
  /**
   * Adds the routes of the page.
   *
   * @returns a handler in the place of the one of MCP: it also serves what the page sends beside MCP, and names the instance in
   *   responses to the page
   */
  routes(served: Served): RouteHandler
}

/**
 * The page for people: at `/`, and at the address of the endpoint for a browser that opens it.
 *
 * @example
 * import { page } from 'mcp-anywhere/page'
 * const endpoint = createEndpoint(server, { page, allowedHosts: ['mcp.example.com'] })
 */
export const page: Page = pageWith({})

/** The page with what `dev` adds to it. */
export function pageWith(options: PageOptions): Page {
  return { routes: (served) => addRoutes(served, options) }
}

/**
 * What the page needs beside its HTML is at its own address, with the query `page`: so it is found wherever the endpoint is
 * found, behind every proxy.
 */
function addRoutes({ app, mcp, parts, auth, server }: Served, options: PageOptions): RouteHandler {
  const { paths } = parts
  const facts = { options, admission: admissionOf(auth), server }
  const loaded = new OnDemand(async () => (await import('./serve.ts')).pageHandler(parts, facts))
  const serve = async (c: Context, next: Next): Promise<Response | undefined> => {
    const response = isForPage(c) ? await (await loaded.load())(c) : undefined
    if (response) return response
    await next()
    return undefined
  }
  for (const path of new Set([...paths.routes('/'), ...paths.routes(paths.path)])) app.get(path, serve)
  const instance = options.instance ?? parts.instance
  const served = async (c: HttpRequest): Promise<Response> => {
    const own = options.fleet && hasPageQuery(c) ? await (await loaded.load())(c) : undefined
    const response = own ?? (await mcp(c))
    response.headers.set(INSTANCE_HEADER, instance)
    return response
  }
  return (c) => (isOfPage(c) ? served(c) : mcp(c))
}

function isForPage(c: HttpRequest): boolean {
  if (hasPageQuery(c)) return true
  const header = headerReader(c)
  return prefersHtml(header('accept')) && OF_CLIENTS.every((name) => header(name) === undefined)
}

/** Asked for each request of MCP: it makes nothing. */
function isOfPage(c: HttpRequest): boolean {
  const headers = fetchOptions(c).incoming?.headers
  return headers ? headers[PAGE_HEADER] !== undefined : c.req.raw.headers.has(PAGE_HEADER)
}

function hasPageQuery({ req }: HttpRequest): boolean {
  return /[?&]page=/.test(req.url)
}

function admissionOf(auth: Served['auth']): Admission {
  if (!auth) return 'open'
  return auth !== 'middleware' && issuersOf(auth).length > 0 ? 'oauth' : 'token'
}
