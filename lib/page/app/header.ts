/** The head of the page: what the server is called, the kind of revision, the instances. */
import type { App } from './app.ts'
import { type Era, REVISIONS } from './connection.ts'
import { button, fill, h, hidden, icon, notify } from './dom/elements.ts'
import type { InstanceState } from './instances.ts'
import { linkTo } from './links.ts'

export function header(app: App): HTMLElement {
  const name = h('a', { class: 'server', href: linkTo('overview') })
  const status = h('p', { class: 'status' })
  const forget = button('Forget the token', () => void app.setToken(undefined), { kind: 'small' })
  const strip = instanceStrip(app)
  const show = () => {
    const { title, offer } = app
    const version = offer?.info?.version
    document.title = `${app.runs.waiting.length > 0 ? '(?) ' : ''}${title}`
    fill(
      name,
      serverIcon(app),
      h('span', { class: 'name' }, title),
      version !== undefined && h('span', { class: 'version' }, version),
    )
    status.dataset.status = app.status
    fill(status, h('span', {}, statusText(app)), app.hasToken && forget)
  }
  app.changed.on(show)
  app.runs.changed.on(show)
  show()
  const instances = h(
    'div',
    { class: 'strip' },
    h('span', { class: 'caption', 'aria-hidden': 'true' }, 'instances'),
    strip,
  )
  return h('header', { class: 'page-head' }, name, status, h('div', { class: 'controls' }, instances, eraSwitch(app)))
}

function statusText({ status }: App): string {
  return { locked: 'Needs a token', connecting: 'Connecting…', ready: 'Connected', failed: 'Not connected' }[status]
}

/** The picture of the server, where it is part of its description: the page asks no other site for one. */
function serverIcon({ offer, about }: App): HTMLElement {
  const own = (src: string) =>
    src.startsWith('data:image/') || URL.parse(src, location.href)?.origin === location.origin
  const found = offer?.info?.icons?.find(({ src }) => own(src))
  if (found) return h('img', { class: 'server-icon', src: found.src, alt: '' })
  return h(
    'span',
    { class: 'server-icon letter', 'aria-hidden': 'true' },
    about.name.trim().charAt(0).toUpperCase() || 'M',
  )
}

function eraSwitch(app: App): HTMLElement {
  const option = (era: Era) => {
    const input = h('input', {
      type: 'radio',
      name: 'era',
      value: era,
      checked: era === app.era,
      on: { change: () => void app.switchTo(era) },
    })
    return h('label', {}, input, h('span', {}, h('b', {}, REVISIONS[era]), ` ${era}`))
  }
  return h(
    'fieldset',
    { class: 'switch era' },
    h('legend', { class: 'sr' }, 'Revision of MCP'),
    option('session'),
    option('stateless'),
  )
}

function instanceStrip(app: App): HTMLElement {
  const list = h('ul', { class: 'instances', 'aria-label': 'Instances and the requests that each has answered' })
  const show = () => {
    const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset.kill : undefined
    fill(
      list,
      app.instances.all.map((state) => instanceItem(app, state)),
    )
    if (focused !== undefined) list.querySelector<HTMLElement>(`[data-kill="${CSS.escape(focused)}"]`)?.focus()
  }
  app.instances.changed.on(show)
  show()
  return list
}

function instanceItem(app: App, { name, answers, isReady }: InstanceState): HTMLElement {
  const { instances } = app
  const kill = () => {
    app.kill(name).catch((error: Error) => notify(error.message))
  }
  const parts = [instances.chip(name), h('span', { class: 'count' }, hidden('answered '), answers)]
  if (!instances.canKill) return h('li', {}, parts)
  const label = `Kill instance ${name}`
  const end = button('Kill', kill, { kind: 'small', label })
  end.dataset.kill = name
  end.prepend(icon('power'))
  const back = h('span', { class: 'restarting' }, 'starting…')
  return h('li', { class: isReady ? '' : 'gone' }, parts, isReady ? end : back)
}
