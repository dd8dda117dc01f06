/** The list of all messages, as they went over HTTP. */
import type { LoggingLevel } from '@modelcontextprotocol/client'
import type { App } from './app.ts'
import { jsonView } from './content.ts'
import { button, fill, h, hidden, icon, newId } from './dom/elements.ts'
import { summaryOf } from './messages.ts'
import type { Entry } from './wire.ts'

/** Older ones are dropped. */
const MOST = 500

const LEVELS = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'] as const
const DIRECTIONS = { sent: 'Sent', received: 'Received', note: 'Note' } as const

export function messagesView(app: App): HTMLElement {
  const list = h('ol', { class: 'messages' })
  const rows = new Map<number, HTMLElement>()
  const empty = h('p', { class: 'help' }, 'Each message of JSON-RPC appears here, with the instance that answered.')
  const scroller = h(
    'div',
    { class: 'scroller', tabindex: 0, role: 'region', 'aria-label': 'List of messages' },
    empty,
    list,
  )
  app.wire.recorded.on((entry, isNew) => {
    const before = rows.get(entry.number)
    if (!isNew && !before) return
    const row = messageRow(app, entry)
    const stays = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 40
    if (before) before.replaceWith(keepOpen(before, row))
    else list.append(row)
    rows.set(entry.number, row)
    // A map has its keys in the order of the list.
    const [oldest] = rows
    if (oldest && rows.size > MOST) {
      rows.delete(oldest[0])
      oldest[1].remove()
    }
    empty.hidden = true
    if (stays) scroller.scrollTop = scroller.scrollHeight
  })
  const clear = button(
    'Clear',
    () => {
      rows.clear()
      list.replaceChildren()
      empty.hidden = false
    },
    { kind: 'small', label: 'Clear the messages' },
  )
  const id = newId()
  const head = h('header', {}, h('h2', { id }, 'Messages'), h('div', { class: 'controls' }, levelChoice(app), clear))
  return h('aside', { class: 'wire', 'aria-labelledby': id }, head, scroller)
}

/** A row that the person has opened stays open when its status comes. */
function keepOpen(before: HTMLElement, row: HTMLElement): HTMLElement {
  if (before.querySelector('details')?.open) row.querySelector('details')?.setAttribute('open', '')
  return row
}

function messageRow({ instances }: App, entry: Entry): HTMLElement {
  const { kind, message, text, instance, http, at } = entry
  const isError = (http?.status ?? 0) >= 400 || message?.error !== undefined
  const words = message ? summaryOf(message, entry.answers) : (text ?? '')
  const summary = h(
    'summary',
    {},
    h('span', { class: 'arrow' }, icon(kind), hidden(DIRECTIONS[kind])),
    h('span', { class: 'words' }, words),
    http?.status !== undefined &&
      h('span', { class: 'http' }, http.method === 'POST' ? http.status : `${http.method} ${http.status}`),
    instance !== undefined && instances.chip(instance),
    h('span', { class: 'time' }, `${(at / 1_000).toFixed(2)} s`),
  )
  const details = h('details', {}, summary)
  // The JSON of hundreds of messages is made when it is looked at.
  const body = h('div', { class: 'body' })
  details.append(body)
  details.addEventListener('toggle', () => {
    if (details.open && body.childElementCount === 0)
      fill(body, message ? jsonView(message) : h('p', { class: 'help' }, text))
  })
  return h('li', { class: `message ${kind}${isError ? ' bad' : ''}` }, details)
}

function levelChoice(app: App): HTMLElement {
  const id = newId()
  const select = h(
    'select',
    { id },
    LEVELS.map((level) => h('option', { value: level, selected: level === app.level }, level)),
  )
  select.addEventListener('change', () => void app.setLevel(select.value as LoggingLevel))
  return h('div', { class: 'level-choice' }, h('label', { for: id }, 'Log from'), select)
}
