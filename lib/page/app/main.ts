/** The page: its parts, and the view that the address names. */
// It comes before every import of the client.
import './no-eval.ts'
import { App } from './app.ts'
import { announce, button, fill, h, icon, toasts } from './dom/elements.ts'
import { header } from './header.ts'
import { ItemViews } from './item-views.ts'
import { linkTo, partsOf, viewOf } from './links.ts'
import { readAbout } from './location.ts'
import { messagesView } from './messages-view.ts'
import { nav } from './nav.ts'
import { overviewOf } from './overview.ts'
import type { ItemKey } from './runs.ts'

function page(app: App): HTMLElement[] {
  const view = h('div', { class: 'view' })
  const notices = h('div', { class: 'notices' })
  const main = h('main', { id: 'main', tabindex: -1 }, notices, view)
  const items = new ItemViews(app)
  const overview = overviewOf(app)
  const lists = nav(app)
  lists.id = 'lists'
  const show = (moves: boolean) => {
    const key = viewOf(location.hash)
    fill(view, key === 'overview' || app.status === 'locked' ? overview() : (items.of(key) ?? missing(app, key)))
    document.body.classList.remove('browsing')
    if (!moves) return
    main.scrollTop = 0
    view.querySelector<HTMLElement>('h1')?.focus()
  }
  let [offer, status] = [app.offer, app.status]
  app.changed.on(() => {
    fill(notices, noticeOf(app), app.status === 'ready' && waiting.length > 0 && waiting)
    // What somebody has typed stays where the lists have not changed.
    if (app.offer !== offer || app.status !== status) show(false)
    ;[offer, status] = [app.offer, app.status]
  })
  const waiting: HTMLElement[] = []
  app.asked.on((question) => {
    waiting.push(question.element)
    notices.append(question.element)
    question.show()
    question.over.then(() => waiting.splice(waiting.indexOf(question.element), 1))
  })
  app.runs.changed.on(() => showWaiting(app, bar))
  const bar = h('section', { class: 'waiting', 'aria-label': 'Questions elsewhere', hidden: true })
  addEventListener('hashchange', () => {
    show(true)
    showWaiting(app, bar)
  })
  show(false)
  return [header(app), bar, h('div', { class: 'columns' }, browse(lists), lists, main, messagesView(app)), toasts]
}

function missing({ status }: App, key: ItemKey): HTMLElement {
  const [, name] = partsOf(key)
  const words = status === 'ready' ? 'The server has no such entry, or shows it to others only.' : 'Not connected yet.'
  return h('div', { class: 'item-view' }, h('h1', { tabindex: -1 }, name), h('p', { class: 'help' }, words))
}

/** Opens the lists where there is no room for them beside the view. */
function browse(lists: HTMLElement): HTMLElement {
  const toggle = button('Browse', () => {
    const isOpen = document.body.classList.toggle('browsing')
    toggle.setAttribute('aria-expanded', String(isOpen))
    if (isOpen) lists.querySelector<HTMLElement>('a')?.focus()
  })
  toggle.classList.add('browse')
  toggle.prepend(icon('menu'))
  toggle.setAttribute('aria-controls', lists.id)
  toggle.setAttribute('aria-expanded', 'false')
  addEventListener('hashchange', () => toggle.setAttribute('aria-expanded', 'false'))
  return toggle
}

/** Names a call elsewhere that waits for an answer. */
function showWaiting({ runs }: App, bar: HTMLElement): void {
  const elsewhere = runs.waiting.filter(({ key }) => key !== viewOf(location.hash))
  bar.hidden = elsewhere.length === 0
  const links = elsewhere.map(({ key }) => h('a', { href: linkTo(key) }, partsOf(key)[1]))
  fill(
    bar,
    icon('ask'),
    'A question waits in ',
    links.flatMap((link, i) => (i === 0 ? [link] : [', ', link])),
  )
}

function noticeOf(app: App): HTMLElement | undefined {
  const { status, failure } = app
  if (status !== 'failed' || !failure) return undefined
  const again = button(failure.kind === 'session' ? 'Open a new session' : 'Try again', () => void app.connect(), {
    kind: 'primary',
  })
  return h('div', { class: 'failure', role: 'alert' }, h('h2', {}, failure.title), h('p', {}, failure.text), again)
}

async function start(): Promise<void> {
  const place = document.getElementById('page') ?? document.body
  try {
    const app = new App(await readAbout())
    fill(place, page(app))
    await app.connect()
  } catch (error) {
    fill(
      place,
      h('main', { class: 'broken' }, h('h1', {}, 'The page cannot be shown'), h('p', {}, (error as Error).message)),
    )
    announce('The page cannot be shown')
  }
}

void start()
