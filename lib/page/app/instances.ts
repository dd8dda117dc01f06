/** The instances that have answered, and in `dev` all that there are. */
import { type Kill, PAGE_HEADER } from '../about.ts'
import type { ShownInstance } from '../options.ts'
import { Changes } from './changes.ts'
import { h, hidden } from './dom/elements.ts'

/** Colors of the style sheet. */
const COLORS = 8
/** Characters of an id that tell instances apart. */
const SHOWN = 5

export interface InstanceState {
  /** As the endpoint names it. */
  name: string
  answers: number
  /** Undefined: outside of `dev` nobody knows. */
  isReady: boolean | undefined
}

export class Instances {
  readonly changed = new Changes()
  readonly #known = new Map<string, InstanceState>()
  /** Whether the page runs in `dev`, where instances have numbers. */
  canKill = false

  get all(): InstanceState[] {
    const all = [...this.#known.values()]
    return this.canKill ? all.toSorted((a, b) => Number(a.name) - Number(b.name)) : all
  }

  /** The instances of `dev`. */
  set(instances: readonly ShownInstance[]): void {
    this.canKill = true
    for (const { name, isReady } of instances) this.#of(name).isReady = isReady
    this.changed.emit()
  }

  /** One of them has answered a request. */
  answered(name: string): void {
    this.#of(name).answers += 1
    this.changed.emit()
  }

  mark(name: string, isReady: boolean): void {
    this.#of(name).isReady = isReady
    this.changed.emit()
  }

  /** The name of an instance in its color. */
  chip(name: string): HTMLElement {
    const text = this.canKill ? name : name.slice(0, SHOWN)
    return h('span', { class: `chip ${this.#colorOf(name)}`, title: `Instance ${name}` }, hidden('instance '), text)
  }

  #colorOf(name: string): string {
    const place = this.canKill ? Number(name) - 1 : [...this.#known.keys()].indexOf(name)
    return `color${(place < 0 ? this.#known.size : place) % COLORS}`
  }

  #of(name: string): InstanceState {
    const known = this.#known.get(name)
    if (known) return known
    const state: InstanceState = { name, answers: 0, isReady: undefined }
    this.#known.set(name, state)
    return state
  }
}

/** Where the token of `dev` is kept: a page that is loaded again has it. It ends with the tab. */
const KEPT = 'mcp-anywhere-kill'

/** The token that ends instances: `dev` prints it in the address of the page, behind the `#`, which no server gets. */
export function readKillToken(): string | undefined {
  const [, given] = /^#kill=([\w-]+)/.exec(location.hash) ?? []
  if (given !== undefined) {
    sessionStorage.setItem(KEPT, given)
    history.replaceState(null, '', `${location.pathname}${location.search}#/`)
  }
  return given ?? sessionStorage.getItem(KEPT) ?? undefined
}

/** @param url the address of the endpoint @throws Error with what the endpoint says */
export async function killInstance(url: URL, kill: Kill): Promise<void> {
  const headers = { 'Content-Type': 'application/json', [PAGE_HEADER]: '0' }
  const response = await fetch(`${url.pathname}?page=kill`, {
    method: 'POST',
    headers,
    body: JSON.stringify(kill),
  }).catch(() => undefined)
  // The instance that took this request may be the one that has ended.
  if (!response || response.ok || response.status === 502) return
  const body: { error?: { message?: string } } = await response.json().catch(() => ({}))
  throw new Error(body.error?.message ?? `The request was refused (${response.status}).`)
}
