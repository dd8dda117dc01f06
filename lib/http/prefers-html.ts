/** Whether a GET is that of a person with a browser, by its Accept header (RFC 9110, 12.5.1). */
import { rangesOf } from './headers.ts'

/** What `/mcp` answers a client with. */
const OURS = ['text/event-stream', 'application/json'] as const

/**
 * True where the header names `text/html` and nothing that the endpoint answers a client with is as welcome. A browser that opens an
 * address sends `text/html` with the highest weight; no client of MCP names `text/html`, and wildcards alone name nothing. Meant for a GET
 * that names no session: every other request is a client's.
 */
export function prefersHtml(accept: string | undefined): boolean {
  if (accept === undefined || !/text\/html/i.test(accept)) return false
  const weights = readWeights(accept)
  const html = weights.get('text/html') ?? 0
  if (html === 0) return false
  return OURS.every((type) => {
    const named = weights.get(type)
    if (named !== undefined) return named < html
    return (weights.get(type.replace(/\/.*/, '/*')) ?? weights.get('*/*') ?? 0) <= html
  })
}

/** The weight of each range. A range with a weight that cannot be read is left out. */
function readWeights(accept: string): Map<string, number> {
  const weights = new Map<string, number>()
  for (const [range = '', ...params] of rangesOf(accept)) {
    const given = params.find((param) => /^q\s*=/.test(param))?.replace(/^q\s*=\s*/, '') ?? '1'
    // Java's HttpURLConnection sends `q=.2`.
    if (/^(?:0?\.\d{1,3}|[01](?:\.\d{0,3})?)$/.test(given)) weights.set(range, Math.min(1, Number(given)))
  }
  return weights
}
