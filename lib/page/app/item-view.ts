/** What all entries of the lists have: a title, a form, and the calls so far. */
import type { App } from './app.ts'
import { jsonView, textView } from './content.ts'
import { button, type Child, fill, h, newId } from './dom/elements.ts'
import type { ItemKey } from './runs.ts'

interface ItemParts {
  key: ItemKey
  kind: string
  name: string
  title: string | undefined
  description: string | undefined
  /** Short words beside the title. */
  badges?: readonly string[]
  form: HTMLElement
  /** The words of the button that calls it. */
  act: string
  /** Further buttons. */
  more?: Child
  submit(): void
  /** What can be looked at, by its title. */
  details?: Readonly<Record<string, unknown>>
}

export function itemView(app: App, parts: ItemParts): HTMLElement {
  const { key, kind, name, title, description, badges = [], details = {} } = parts
  const submit = (event: Event) => {
    event.preventDefault()
    parts.submit()
  }
  const go = button(parts.act, undefined, { kind: 'primary', type: 'submit' })
  const form = h(
    'form',
    { class: 'call', novalidate: true, on: { submit } },
    parts.form,
    h('div', { class: 'actions' }, go, parts.more),
  )
  // As in every console: the form is sent from anywhere in it.
  form.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) form.requestSubmit(go)
  })
  const shown = Object.entries(details).filter(([, value]) => value !== undefined)
  return h(
    'div',
    { class: 'item-view' },
    h('p', { class: 'kind' }, kind),
    h('h1', { tabindex: -1 }, title ?? name, title !== undefined && title !== name && h('code', {}, name)),
    badges.length > 0 &&
      h(
        'ul',
        { class: 'badges' },
        badges.map((badge) => h('li', {}, badge)),
      ),
    description !== undefined && h('div', { class: 'prose' }, textView(description)),
    form,
    runList(app, key),
    shown.map(([label, value]) => lazyDetails(label, value)),
  )
}

function runList({ runs }: App, key: ItemKey): HTMLElement {
  const id = newId()
  const place = h('div', { class: 'run-list' })
  const section = h('section', { class: 'runs', 'aria-labelledby': id }, h('h2', { id }, 'Calls'), place)
  const show = () => {
    const elements = runs.of(key).map(({ element }) => element)
    section.hidden = elements.length === 0
    // Those that are there stay where they are: a question in them may have the focus.
    for (const element of elements) if (element.parentElement !== place) place.prepend(element)
  }
  runs.changed.on(show)
  show()
  return section
}

function lazyDetails(label: string, value: unknown): HTMLElement {
  const body = h('div')
  const details = h('details', { class: 'schema' }, h('summary', {}, label), body)
  details.addEventListener('toggle', () => {
    if (details.open && body.childElementCount === 0) fill(body, jsonView(value))
  })
  return details
}
