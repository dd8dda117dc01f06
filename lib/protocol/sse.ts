/** Server-sent events: the framing of what the server sends. */

/** A comment. Clients ignore it; it keeps proxies from cutting an idle stream. */
export const SSE_COMMENT = ': \n\n'

/** A message. `data` must be one line, which JSON.stringify guarantees. */
export function sseMessage(data: string, id?: string): string {
  return id === undefined ? `event: message\ndata: ${data}\n\n` : `event: message\nid: ${id}\ndata: ${data}\n\n`
}

/** The priming event of 2025-11-25: an id and empty data, so that the client can resume before the first message. */
export function ssePriming(id: string, retryMs: number): string {
  return `id: ${id}\nretry: ${retryMs}\ndata: \n\n`
}

/** The time that the client should wait before it comes back. The event has no data, so the client dispatches none. */
export function sseRetry(retryMs: number): string {
  return `retry: ${retryMs}\n\n`
}

/** A named event, for the HTTP+SSE transport of 2024-11-05. */
export function sseEvent(event: string, data: string): string {
  return `event: ${event}\ndata: ${data}\n\n`
}
