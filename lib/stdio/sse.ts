/** Reads the server-sent events that this endpoint writes. */

export interface SseEvent {
  id: string | undefined
  /** ms */
  retry: number | undefined
  /** '' for an event without data. */
  data: string
}

export async function* sseEvents(body: ReadableStream<Uint8Array>, signal: AbortSignal): AsyncGenerator<SseEvent> {
  const reader = body.getReader()
  const decoder = new TextDecoder()
  const leave = () => void reader.cancel(signal.reason).catch(() => {})
  signal.addEventListener('abort', leave)
  let text = ''
  try {
    for (;;) {
      const { value, done } = await reader.read()
      if (done) return
      text += decoder.decode(value, { stream: true })
      const blocks = text.split('\n\n')
      text = blocks.pop() ?? ''
      for (const block of blocks) yield eventOf(block)
    }
  } finally {
    signal.removeEventListener('abort', leave)
    leave()
  }
}

function eventOf(block: string): SseEvent {
  const event: SseEvent = { id: undefined, retry: undefined, data: '' }
  for (const line of block.split('\n')) {
    const value = line.slice(line.indexOf(':') + 1).replace(/^ /, '')
    if (line.startsWith('id:')) event.id = value
    else if (line.startsWith('retry:')) event.retry = Number(value)
    else if (line.startsWith('data:')) event.data = value
  }
  return event
}
