/** How other clients are connected to this address. */
import { connectionsTo } from '../../connect/connections.ts'
import type { Code, Connection, Step } from '../../connect/types.ts'
import type { App } from './app.ts'
import { copyButton, fill, h, icon, newId } from './dom/elements.ts'

/** Gives the same view, with the client that was chosen in it, as long as what it is about stays. */
export function connectViewOf(app: App): () => HTMLElement {
  let shown: { about: string; element: HTMLElement } | undefined
  return () => {
    const { url, about, offer } = app
    const address = { url: url.href, name: offer?.info?.name ?? about.name, admission: about.admission }
    const key = JSON.stringify(address)
    if (shown?.about !== key) shown = { about: key, element: newView(connectionsTo(address)) }
    return shown.element
  }
}

function newView(connections: readonly Connection[]): HTMLElement {
  const id = newId()
  const panel = h('div', { class: 'panel' })
  const group = newId()
  const choose = (connection: Connection) => fill(panel, connectionView(connection))
  const tabs = connections.map((connection, i) => {
    const input = h('input', { type: 'radio', name: group, checked: i === 0, on: { change: () => choose(connection) } })
    return h('label', {}, input, h('span', {}, shortTitle(connection.title)))
  })
  const [first] = connections
  if (first) choose(first)
  return h(
    'section',
    { class: 'connect', 'aria-labelledby': id },
    h('h2', { id }, 'Connect a client'),
    h('fieldset', { class: 'tabs' }, h('legend', { class: 'sr' }, 'Client'), tabs),
    panel,
  )
}

/** Without what is in brackets at its end. */
function shortTitle(title: string): string {
  return title.replace(/ \(.*\)$/, '')
}

function connectionView({ title, steps, link, notes, obstacle }: Connection): HTMLElement {
  return h(
    'div',
    { class: 'connection' },
    title !== shortTitle(title) && h('p', { class: 'help' }, title),
    obstacle !== undefined && h('p', { class: 'obstacle' }, icon('note'), h('span', {}, obstacle)),
    link && h('p', {}, h('a', { class: 'button primary', href: link.href }, link.text)),
    h(
      'ol',
      { class: 'how', 'aria-label': `Steps for ${title}` },
      steps.map((step) => h('li', {}, stepView(step))),
    ),
    notes.length > 0 &&
      h(
        'ul',
        { class: 'notes' },
        notes.map((note) => h('li', {}, note)),
      ),
  )
}

function stepView({ text, code }: Step): HTMLElement {
  return h('div', {}, h('p', {}, text), code && codeView(code))
}

function codeView({ text, file }: Code): HTMLElement {
  const place = h('pre', { class: 'text', tabindex: 0, role: 'group', 'aria-label': file ?? 'Code' }, text)
  const caption = file !== undefined && h('p', { class: 'caption' }, file)
  return h(
    'div',
    {},
    caption,
    h(
      'div',
      { class: 'block' },
      place,
      copyButton(() => text, file ?? 'code'),
    ),
  )
}
