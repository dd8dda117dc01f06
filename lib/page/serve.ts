/** What a browser gets: the page, its files, and what it reads before it speaks MCP. */
import { timingSafeEqual } from 'node:crypto'
import { digest } from '../base/ids.ts'
import { explainEvent } from '../connect/explain.ts'
import type { Admission } from '../connect/types.ts'
import { fetchOptions } from '../http/fetch-options.ts'
import { headerReader, isJsonType, type ReadHeader } from '../http/headers.ts'
import type { McpParts } from '../http/mcp.ts'
import type { HttpRequest } from '../http/request.ts'
import { refusalOf, refuse } from '../http/respond.ts'
import { ErrorCode } from '../protocol/errors.ts'
import { Refusal } from '../protocol/refusal.ts'
import type { About, Kill } from './about.ts'
import { type PageFile, pageFiles } from './files.ts'
import type { PageOptions } from './options.ts'

interface PageFacts {
  options: PageOptions
  admission: Admission
  /** What the server is called: filled in once the server is open. */
  server: { readonly name: string }
}

/**
 * The page runs its own script and style, and speaks to its own origin. Pictures may also be in its data: those of results. Nothing
 * may show it in a frame, and no text can become HTML.
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  'media-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ')

const SECURITY = {
  'Content-Security-Policy': POLICY,
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
}

/** The address is the same for every version of the page, and the answer at it depends on who asks. */
const FRESH = { 'Cache-Control': 'no-store', Vary: 'Accept' }
const FOREVER = { 'Cache-Control': 'public, max-age=31536000, immutable' }

/** The longest body of a request of the page to this code. */
const MAX_BODY = 1_000

type PageHandler = (c: HttpRequest) => Promise<Response | undefined>

/** Makes the handler. It resolves with undefined for a request that is not the page's, and never rejects. */
export function pageHandler(parts: McpParts, facts: PageFacts): PageHandler {
  const { checkOrigin, opening, onError } = parts
  const serve = async (c: HttpRequest, header: ReadHeader, query: URLSearchParams): Promise<Response | undefined> => {
    checkOrigin(header, c.req)
    const name = query.get('page') ?? undefined
    if (c.req.method === 'POST') return name === 'kill' ? kill(c, header, facts) : undefined
    if (name === 'about') {
      const wait = opening?.forRequest()
      if (wait) await wait
      return Response.json(aboutOf(parts, facts), { headers: { ...SECURITY, ...FRESH } })
    }
    const file = (await pageFiles())[name ?? 'index.html']
    if (!file) return undefined
    const isSame = name !== undefined && query.get('v') === file.version
    return fileResponse(file, header, isSame ? FOREVER : FRESH)
  }
  return async (c) => {
    const header = headerReader(c)
    const { searchParams } = new URL(c.req.url)
    try {
      return await serve(c, header, searchParams)
    } catch (error) {
      if (searchParams.has('page')) return refuse(error, undefined, onError)
      return forPerson(error, onError)
    }
  }
}

/** A refusal that a person reads: the cause and the cure. */
function forPerson(error: unknown, onError: (error: unknown) => void): Response {
  const { status } = refuse(error, undefined, onError)
  const { cause, cure } = explainEvent(status, refusalOf(error).message)
  const headers = { ...SECURITY, ...FRESH, 'Content-Type': 'text/plain; charset=utf-8' }
  return new Response(`${cause}\n${cure}\n`, { status, headers })
}

function aboutOf({ paths }: McpParts, { options, admission, server }: PageFacts): About {
  return { name: server.name, path: paths.path, admission, instances: options.fleet?.instances() }
}

/** @param caching headers that say how long the file may be kept */
async function fileResponse(file: PageFile, header: ReadHeader, caching: Record<string, string>): Promise<Response> {
  const headers = { ...SECURITY, ...caching, 'Content-Type': file.type, Vary: 'Accept, Accept-Encoding' }
  const bytes = Buffer.from(file.gzip, 'base64')
  if (/\bgzip\b(?!\s*;\s*q=0(?:\.0*)?(?:\s|,|$))/i.test(header('accept-encoding') ?? '')) {
    return new Response(bytes, { headers: { ...headers, 'Content-Encoding': 'gzip' } })
  }
  const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))
  return new Response(plain, { headers })
}

/** Ends an instance of `dev`, for a page of this very origin that has the token. */
async function kill(c: HttpRequest, header: ReadHeader, { options }: PageFacts): Promise<Response> {
  const { fleet } = options
  if (!fleet) throw forbidden('Instances are ended in dev only.')
  requireSameOrigin(header)
  const { instance, token } = await readKill(c, header)
  if (fleet.token === undefined || !isSameText(token, fleet.token))
    throw forbidden('The token is not the one that dev has printed at its start.')
  const known = fleet.instances().map(({ name }) => name)
  if (!known.includes(instance)) {
    throw new Refusal(404, ErrorCode.InvalidParams, `There is no instance ${instance}; there are ${known.join(', ')}.`)
  }
  // It may be this instance, whose response must leave first.
  const { outgoing } = fetchOptions(c)
  const end = () => fleet.kill(instance)
  if (outgoing?.once) outgoing.once('close', end)
  else end()
  return Response.json({ instance }, { headers: { ...SECURITY, ...FRESH } })
}

/** @throws Refusal 403 for a page of another origin, also of one that may use the endpoint, and for what is no page */
function requireSameOrigin(header: ReadHeader): void {
  const [, page] = /^https?:\/\/([^/]+)$/.exec(header('origin') ?? '') ?? []
  const site = header('sec-fetch-site') ?? 'same-origin'
  if (page !== undefined && page === header('host') && site === 'same-origin') return
  throw forbidden('Only the page of this address ends instances.')
}

/** @throws Refusal 400 */
async function readKill(c: HttpRequest, header: ReadHeader): Promise<Kill> {
  const bad = () =>
    new Refusal(400, ErrorCode.InvalidRequest, 'The body must be JSON: { "instance": "1", "token": "…" }.')
  if (!isJsonType(header('content-type')) || !(Number(header('content-length')) <= MAX_BODY)) throw bad()
  const body: unknown = await c.req.raw.json().catch(() => undefined)
  const { instance, token } = (body ?? {}) as Partial<Record<keyof Kill, unknown>>
  if (typeof instance !== 'string' || typeof token !== 'string') throw bad()
  return { instance, token }
}

/** Takes equally long for all texts. */
function isSameText(one: string, other: string): boolean {
  return timingSafeEqual(Buffer.from(digest(one, 32)), Buffer.from(digest(other, 32)))
}

function forbidden(message: string): Refusal {
  return new Refusal(403, ErrorCode.InvalidRequest, message)
}
