/** Reads server-sent events, for the list of messages. The client reads the same bytes itself. */

interface SseEvent {
  id: string | undefined
  /** Undefined: the event is a comment, or says only when to come back. */
  data: string | undefined
}

/** @returns a function that takes the next piece of text, and returns the events that are complete with it */
export function sseReader(): (text: string) => SseEvent[] {
  let rest = ''
  return (text) => {
    rest += text
    // A CR at the end may be the first half of a line end.
    const blocks = rest.replace(/\r\n/g, '\n').split('\n\n')
    rest = blocks.pop() ?? ''
    return blocks.map(eventOf)
  }
}

function eventOf(block: string): SseEvent {
  const data: string[] = []
  let id: string | undefined
  for (const line of block.split('\n')) {
    const [, field, value = ''] = /^(\w+):? ?(.*)$/.exec(line) ?? []
    if (field === 'data') data.push(value)
    else if (field === 'id') id = value
  }
  const text = data.join('\n')
  return { id, data: text === '' ? undefined : text }
}
