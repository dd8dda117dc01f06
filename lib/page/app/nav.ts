/** The lists of the server, which can be searched. */
import type { App } from './app.ts'
import { type Child, fill, h, hidden, newId } from './dom/elements.ts'
import { linkTo, type View, viewOf } from './links.ts'
import type { ItemKey } from './runs.ts'

interface Item {
  key: ItemKey
  name: string
  text: string | undefined
}

interface Group {
  title: string
  items: Item[]
}

export function nav(app: App): HTMLElement {
  const id = newId()
  const search = h('input', { id, type: 'search', placeholder: 'Search', autocomplete: 'off', spellcheck: 'false' })
  const lists = h('div', { class: 'lists' })
  const found = h('p', { class: 'sr', role: 'status' })
  const show = () => {
    const groups = groupsOf(app)
    const words = search.value.toLowerCase().split(/\s+/)
    const fits = ({ key, name, text = '' }: Item) =>
      words.every((word) => `${key} ${name} ${text}`.toLowerCase().includes(word))
    const shown = groups.map(({ title, items }) => ({ title, all: items.length, items: items.filter(fits) }))
    fill(lists, shown.map(groupView))
    const count = shown.reduce((sum, { items }) => sum + items.length, 0)
    if (search.value !== '') fill(found, `${count} found`)
    if (search.value !== '' && count === 0) lists.append(h('p', { class: 'help' }, 'Nothing is called so.'))
    search.closest('.search')?.toggleAttribute('hidden', groups.length === 0)
  }
  const overview = h('a', { class: 'item', href: linkTo('overview') }, 'Overview')
  const place = h('nav', { 'aria-label': 'What the server has' }, overview)
  place.append(
    h('div', { class: 'search' }, h('label', { for: id, class: 'sr' }, 'Search tools, prompts and resources'), search),
    lists,
    found,
  )
  let shown = app.offer
  const mark = () => {
    markCurrent(place, viewOf(location.hash))
    for (const element of place.querySelectorAll<HTMLElement>('.mark')) showMark(app, element)
  }
  const showAll = () => {
    show()
    mark()
  }
  search.addEventListener('input', showAll)
  addEventListener('hashchange', mark)
  app.changed.on(() => {
    // The lists are not made anew while somebody is in them.
    if (app.offer !== shown) showAll()
    shown = app.offer
  })
  app.runs.changed.on(mark)
  showAll()
  return place
}

function markCurrent(place: HTMLElement, view: View): void {
  for (const link of place.querySelectorAll('a')) {
    if (link.getAttribute('href') === linkTo(view)) link.setAttribute('aria-current', 'page')
    else link.removeAttribute('aria-current')
  }
}

function groupsOf({ offer }: App): Group[] {
  if (!offer) return []
  const { tools, prompts, resources, templates } = offer
  const groups: Group[] = [
    { title: 'Tools', items: tools.map((tool) => itemOf(`tool:${tool.name}`, tool)) },
    { title: 'Prompts', items: prompts.map((prompt) => itemOf(`prompt:${prompt.name}`, prompt)) },
    { title: 'Resources', items: resources.map((resource) => itemOf(`resource:${resource.uri}`, resource)) },
    {
      title: 'Resource templates',
      items: templates.map((template) => itemOf(`template:${template.uriTemplate}`, template)),
    },
  ]
  return groups.filter(({ items }) => items.length > 0)
}

function itemOf(
  key: ItemKey,
  { title, name, description }: { title?: string | undefined; name: string; description?: string | undefined },
): Item {
  return { key, name: title ?? name, text: description }
}

function groupView({ title, all, items }: Group & { all: number }): Child {
  if (items.length === 0) return undefined
  const id = newId()
  const count = items.length === all ? `${all}` : `${items.length} of ${all}`
  const heading = h('h2', { id }, title, ' ', h('span', { class: 'count' }, count))
  const rows = items.map((item) => h('li', {}, itemView(item)))
  return h('section', { 'aria-labelledby': id }, heading, h('ul', {}, rows))
}

function itemView({ key, name, text }: Item): HTMLElement {
  const mark = h('span', { class: 'mark', 'data-key': key })
  const words = text !== undefined && h('span', { class: 'item-text' }, text)
  return h('a', { class: 'item', href: linkTo(key) }, h('span', { class: 'item-name' }, name, mark), words)
}

/** Shows whether the last call of an item still runs. */
function showMark({ runs }: App, element: HTMLElement): void {
  const last = runs.of(element.dataset.key as ItemKey).at(-1)
  const state = last && !last.isOver ? last.state : undefined
  element.dataset.state = state ?? ''
  fill(element, state && hidden(state === 'asking' ? ' waits for you' : ' runs'))
}
