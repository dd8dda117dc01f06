/** Shows results: texts, pictures, links, messages of prompts, JSON. */
import { button, type Child, copyButton, fill, h } from './dom/elements.ts'
import { isObject, isSame, type Json, type JsonObject, prettyJson } from './forms/json.ts'

/** Characters of a text that are shown at once. */
const SHOWN = 20_000

/** @param open shows the resource that a result links to */
export function resultView(result: unknown, open: (uri: string) => void): HTMLElement {
  const parts: Child[] = []
  if (!isObject(result)) parts.push(jsonView(result))
  else {
    const { content, messages, contents, structuredContent } = result
    const blocks = listOf(content).filter((block) => !repeats(block, structuredContent))
    for (const block of blocks) parts.push(blockView(block, open))
    for (const { role, content } of listOf(messages)) parts.push(messageView(String(role), content, open))
    for (const block of listOf(contents)) parts.push(resourceView(block))
    if (structuredContent !== undefined) parts.push(labelled('structuredContent', jsonView(structuredContent)))
    if (parts.length === 0) parts.push(jsonView(result))
  }
  return h('div', { class: 'result' }, parts)
}

/** Whether a block is the text of the structured content, which servers add for older clients. */
function repeats({ type, text }: JsonObject, structured: Json | undefined): boolean {
  if (structured === undefined || type !== 'text' || typeof text !== 'string') return false
  try {
    return isSame(JSON.parse(text), structured)
  } catch {
    return false
  }
}

function listOf(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : []
}

function labelled(label: string, element: HTMLElement): HTMLElement {
  return h('div', { class: 'labelled' }, h('p', { class: 'caption' }, label), element)
}

function messageView(role: string, content: unknown, open: (uri: string) => void): HTMLElement {
  const blocks = Array.isArray(content) ? listOf(content) : listOf([content])
  return labelled(
    role,
    h(
      'div',
      {},
      blocks.map((block) => blockView(block, open)),
    ),
  )
}

function blockView(block: JsonObject, open: (uri: string) => void): HTMLElement {
  const { type, text, data, mimeType, uri, resource } = block
  if (type === 'text' && typeof text === 'string') return textView(text)
  if (type === 'image' && typeof data === 'string') return imageOf(String(mimeType), data)
  if (type === 'audio' && typeof data === 'string') {
    return h('audio', { controls: true, src: `data:${typeOf(mimeType)};base64,${data}` })
  }
  if (type === 'resource' && isObject(resource)) return resourceView(resource)
  if (type === 'resource_link' && typeof uri === 'string') {
    const { title = block.name, description } = block
    const link = button(String(title ?? uri), () => open(uri), { kind: 'plain' })
    return h(
      'div',
      { class: 'link' },
      link,
      h('code', {}, uri),
      typeof description === 'string' && h('span', {}, description),
    )
  }
  return jsonView(block)
}

function resourceView(resource: JsonObject): HTMLElement {
  const { uri, mimeType, text, blob } = resource
  const caption = [uri, mimeType].filter((part) => typeof part === 'string').join('  ')
  if (typeof text === 'string') return labelled(caption, textView(text))
  if (typeof blob !== 'string') return jsonView(resource)
  const type = typeOf(mimeType)
  if (type.startsWith('image/')) return labelled(caption, imageOf(type, blob))
  const bytes = Math.floor((blob.length * 3) / 4)
  const name = String(uri).split('/').at(-1) || 'resource'
  const link = h(
    'a',
    { class: 'button plain', href: `data:${type};base64,${blob}`, download: name },
    `Save ${name} (${bytes} bytes)`,
  )
  return labelled(caption, link)
}

function imageOf(mimeType: string, data: string): HTMLElement {
  return h('img', { src: `data:${typeOf(mimeType)};base64,${data}`, alt: 'A picture of the result' })
}

/** A media type, and nothing else that could be in a URL. */
function typeOf(mimeType: unknown): string {
  return typeof mimeType === 'string' && /^[\w.+-]+\/[\w.+-]+$/.test(mimeType) ? mimeType : 'application/octet-stream'
}

/** A text; JSON in a text is shown as JSON. */
export function textView(text: string): HTMLElement {
  const first = text.trimStart().charAt(0)
  if (first === '{' || first === '[') {
    try {
      return jsonView(JSON.parse(text), text)
    } catch {
      // It only begins like JSON.
    }
  }
  return longView(text, (shown) => [shown], 'text', text)
}

/** @param copied the text to copy, where it is not that which is shown */
export function jsonView(value: unknown, copied?: string): HTMLElement {
  const text = prettyJson(value)
  return longView(text, colored, 'json', copied ?? text)
}

function longView(text: string, parts: (text: string) => Child[], kind: 'text' | 'json', copied: string): HTMLElement {
  const place = h('pre', { class: kind, tabindex: 0, role: 'group', 'aria-label': kind === 'json' ? 'JSON' : 'Text' })
  fill(place, parts(text.slice(0, SHOWN)))
  const frame = h(
    'div',
    { class: 'block' },
    place,
    copyButton(() => copied, kind === 'json' ? 'JSON' : 'text'),
  )
  if (text.length > SHOWN) {
    const rest = Math.round((text.length - SHOWN) / 1_000)
    const more = button(`Show ${rest.toLocaleString('en')} KB more`, () => {
      fill(place, text)
      more.remove()
    })
    frame.append(more)
  }
  return frame
}

const TOKEN = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g

function colored(text: string): Child[] {
  const parts: Child[] = []
  let end = 0
  for (const { 0: token, 1: string, 2: colon, index } of text.matchAll(TOKEN)) {
    parts.push(text.slice(end, index))
    end = index + token.length
    if (string === undefined) parts.push(h('span', { class: 'literal' }, token))
    else parts.push(h('span', { class: colon === undefined ? 'string' : 'key' }, string), colon)
  }
  return [...parts, text.slice(end)]
}
