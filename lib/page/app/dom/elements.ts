/** Elements of the page. Texts of servers become text nodes: nothing here makes HTML of a text. */

export type Child = Node | string | number | undefined | false | readonly Child[]

type Listeners = { [Name in keyof HTMLElementEventMap]?: (event: HTMLElementEventMap[Name]) => void }
type Value = string | number | boolean | undefined

/** `on`: listeners. Everything else is an attribute: true writes it without a value, false and undefined leave it out. */
interface Attributes {
  on?: Listeners
  [name: string]: Value | Listeners
}

export function h<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name)
  for (const [attribute, value] of Object.entries(attributes)) {
    if (typeof value === 'object') for (const [type, listener] of Object.entries(value)) listen(element, type, listener)
    else if (value !== undefined && value !== false)
      element.setAttribute(attribute, value === true ? '' : String(value))
  }
  add(element, children)
  return element
}

function listen(element: HTMLElement, type: string, listener: unknown): void {
  element.addEventListener(type, listener as EventListener)
}

export function add(element: Element, children: readonly Child[]): void {
  for (const child of children) {
    if (child === undefined || child === false) continue
    if (Array.isArray(child)) add(element, child)
    else element.append(typeof child === 'number' ? String(child) : (child as Node | string))
  }
}

export function fill(element: Element, ...children: Child[]): void {
  element.replaceChildren()
  add(element, children)
}

let ids = 0
/** An id that no other element has. */
export function newId(): string {
  return `e${++ids}`
}

/** A text that only screen readers have. */
export function hidden(text: string): HTMLElement {
  return h('span', { class: 'sr' }, text)
}

interface ButtonOptions {
  kind?: 'primary' | 'plain' | 'small'
  /** What a screen reader says in place of the text. */
  label?: string
  type?: 'button' | 'submit'
}

export function button(text: string, act: (() => void) | undefined, options: ButtonOptions = {}): HTMLButtonElement {
  const { kind = 'plain', label, type = 'button' } = options
  const on = act ? { on: { click: act } } : {}
  return h('button', { type, class: `button ${kind}`, 'aria-label': label, ...on }, text)
}

const SVG = 'http://www.w3.org/2000/svg'

/** Drawn with lines in a square of 16. */
const PATHS = {
  sent: 'M8 13V3M4 7l4-4 4 4',
  received: 'M8 3v10M4 9l4 4 4-4',
  note: 'M8 5v4M8 11.5v.5',
  copy: 'M5.5 5.5v-3h8v8h-3M2.5 5.5h8v8h-8z',
  menu: 'M2.5 4.5h11M2.5 8h11M2.5 11.5h11',
  ask: 'M6 6a2 2 0 1 1 2.8 1.9c-.6.3-.8.7-.8 1.3M8 11.8v.2',
  power: 'M8 2v5M4.8 4.3a5 5 0 1 0 6.4 0',
} as const

export function icon(name: keyof typeof PATHS): SVGSVGElement {
  const svg = document.createElementNS(SVG, 'svg')
  const path = document.createElementNS(SVG, 'path')
  for (const [attribute, value] of Object.entries({ viewBox: '0 0 16 16', class: 'icon', 'aria-hidden': 'true' })) {
    svg.setAttribute(attribute, value)
  }
  path.setAttribute('d', PATHS[name])
  svg.append(path)
  return svg
}

/** Sends a sentence to screen readers. */
export function announce(text: string): void {
  const status = document.getElementById('status')
  if (status) status.textContent = text
}

/** How long a toast is shown, in ms. */
const SHOWN = 6_000
/** The place of what {@link notify} shows. */
export const toasts: HTMLElement = h('div', { class: 'toasts', 'aria-hidden': 'true' })

/** Shows a sentence for a moment, and sends it to screen readers. */
export function notify(text: string): void {
  announce(text)
  const toast = h('p', {}, text)
  toasts.append(toast)
  setTimeout(() => toast.remove(), SHOWN)
}

/** Copies a text, and says so on the button for a moment. */
export function copyButton(text: () => string, what: string): HTMLButtonElement {
  const label = h('span', {}, 'Copy')
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text())
      label.textContent = 'Copied'
      announce(`${what} copied`)
    } catch {
      label.textContent = 'Select it'
    }
    setTimeout(() => fill(label, 'Copy'), 1_500)
  }
  return h(
    'button',
    { type: 'button', class: 'button small copy', 'aria-label': `Copy ${what}`, on: { click: () => void copy() } },
    icon('copy'),
    label,
  )
}
