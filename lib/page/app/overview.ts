/** The first view: what this endpoint is, and how clients are connected to it. */
import type { App } from './app.ts'
import { connectViewOf } from './connect-view.ts'
import type { Offer } from './connection.ts'
import { textView } from './content.ts'
import { type Child, copyButton, fill, h, newId } from './dom/elements.ts'
import { linkTo, type View } from './links.ts'

/** Makes the view anew each time. What watches something is made once. */
export function overviewOf(app: App): () => HTMLElement {
  const parts: Parts = { instances: anyInstance(app), connect: connectViewOf(app) }
  return () => overview(app, parts)
}

interface Parts {
  instances: HTMLElement
  connect(): HTMLElement
}

function overview(app: App, { instances, connect }: Parts): HTMLElement {
  const { offer, title, url, status } = app
  const { description, websiteUrl } = offer?.info ?? {}
  return h(
    'div',
    { class: 'overview' },
    h('h1', { tabindex: -1 }, title),
    description !== undefined && h('p', { class: 'lead' }, description),
    h(
      'p',
      { class: 'address' },
      h('code', {}, url.href),
      copyButton(() => url.href, 'address'),
    ),
    isWebsite(websiteUrl) &&
      h('p', {}, h('a', { href: websiteUrl, rel: 'noopener noreferrer', target: '_blank' }, websiteUrl)),
    offer && tiles(offer),
    offer?.instructions !== undefined && instructions(offer.instructions),
    status === 'locked' && tokenForm(app),
    offer && instances,
    connect(),
  )
}

function isWebsite(url: string | undefined): url is string {
  return url !== undefined && /^https?:\/\//.test(url)
}

function tiles({ tools, prompts, resources, templates }: Offer): HTMLElement {
  const tile = (count: number, one: string, many: string, first: View | undefined): Child => {
    const words = [h('b', {}, count), ` ${count === 1 ? one : many}`]
    return h('li', {}, first ? h('a', { href: linkTo(first) }, words) : h('span', {}, words))
  }
  const [tool] = tools
  const [prompt] = prompts
  const [resource] = resources
  const [template] = templates
  const read: View | undefined = resource ? `resource:${resource.uri}` : template && `template:${template.uriTemplate}`
  return h(
    'ul',
    { class: 'tiles' },
    tile(tools.length, 'tool', 'tools', tool && `tool:${tool.name}`),
    tile(prompts.length, 'prompt', 'prompts', prompt && `prompt:${prompt.name}`),
    tile(resources.length + templates.length, 'resource', 'resources', read),
  )
}

function instructions(text: string): HTMLElement {
  const id = newId()
  return h(
    'section',
    { 'aria-labelledby': id },
    h('h2', { id }, 'Instructions'),
    h('div', { class: 'prose' }, textView(text)),
  )
}

/** What the page shows of the instances, and what that means. */
function anyInstance({ instances }: App): HTMLElement {
  const id = newId()
  const place = h('p', { class: 'chips' })
  const section = h(
    'section',
    { class: 'any', 'aria-labelledby': id },
    h('h2', { id }, 'Any instance answers'),
    place,
    h(
      'p',
      {},
      'Each request goes to whichever instance is next, and no session belongs to one of them. A question that one instance asks ' +
        'is answered through another; where an instance dies, another one goes on. ',
      instances.canKill
        ? 'Try it: call a tool that asks you, kill the instance that asks, and answer.'
        : 'Each message, and each step of a call, has the instance that it came from.',
    ),
  )
  const show = () => {
    section.hidden = instances.all.length < 2
    fill(
      place,
      instances.all.map(({ name }) => instances.chip(name)),
    )
  }
  instances.changed.on(show)
  show()
  return section
}

/** Asks for a token, which this page keeps only as long as it is open. */
function tokenForm(app: App): HTMLElement {
  const id = newId()
  const title = newId()
  const input = h('input', {
    id,
    type: 'password',
    autocomplete: 'off',
    spellcheck: 'false',
    required: true,
    'aria-describedby': `${id}-help`,
  })
  const submit = (event: Event) => {
    event.preventDefault()
    const token = input.value.trim().replace(/^Bearer\s+/i, '')
    if (token !== '') void app.setToken(token)
  }
  const { failure } = app
  return h(
    'section',
    { class: 'token', 'aria-labelledby': title },
    h('h2', { id: title }, failure?.title ?? 'A token opens this endpoint'),
    failure && h('p', { class: 'problem', role: 'alert' }, failure.text),
    h(
      'form',
      { on: { submit } },
      h('label', { for: id, class: 'label' }, 'Bearer token'),
      h('div', { class: 'row' }, input, h('button', { type: 'submit', class: 'button primary' }, 'Open')),
      h(
        'p',
        { class: 'help', id: `${id}-help` },
        'The token stays in this page and is gone when you close it. You may do here what it lets you do.',
      ),
    ),
  )
}
