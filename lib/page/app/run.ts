/** A call and what happens in it, step by step: what was sent, progress, log, questions, and the result. */
import { jsonView, resultView } from './content.ts'
import { button, type Child, fill, h } from './dom/elements.ts'
import { isObject, type JsonObject } from './forms/json.ts'
import type { Instances } from './instances.ts'
import { asksOf, isAnswer, type Message } from './messages.ts'
import type { Asked } from './question.ts'
import type { Entry } from './wire.ts'

type RunState = 'running' | 'asking' | 'done' | 'failed' | 'cancelled'

const WORDS: Record<RunState, string> = {
  running: 'Running',
  asking: 'Waits for you',
  done: 'Done',
  failed: 'Failed',
  cancelled: 'Cancelled',
}

interface RunParts {
  number: number
  /** What was called. */
  name: string
  revision: string
  instances: Instances
  /** Shows a resource that the result links to. */
  open(uri: string): void
  /** The state has changed. */
  changed(): void
}

export class Run {
  readonly number: number
  readonly element: HTMLElement
  readonly #parts: RunParts
  readonly #steps = h('ol', { class: 'steps' })
  readonly #outcome = h('div', { class: 'outcome' })
  readonly #state = h('span', { class: 'state' })
  readonly #cancel: HTMLButtonElement
  readonly #began = performance.now()
  /** The chips of what was sent, which get their instance later. */
  readonly #chips = new Map<number, HTMLElement>()
  readonly #abort = new AbortController()
  #progress: { bar: HTMLProgressElement; text: HTMLElement; chip: HTMLElement } | undefined
  /** The questions that wait. lost: the connection to the instance that asks has broken since. */
  readonly #questions = new Map<Asked, { lost: boolean }>()
  state: RunState = 'running'

  constructor(parts: RunParts) {
    this.#parts = parts
    this.number = parts.number
    this.#cancel = button('Cancel', () => this.#abort.abort('The user has cancelled.'), { kind: 'small' })
    const head = h(
      'header',
      {},
      this.#state,
      h('span', { class: 'what' }, parts.name),
      h('span', { class: 'revision' }, parts.revision),
    )
    head.append(this.#cancel)
    this.element = h(
      'article',
      { class: 'run', 'aria-label': `Call ${parts.number} of ${parts.name}` },
      head,
      this.#steps,
      this.#outcome,
    )
    this.#show()
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  get isOver(): boolean {
    return this.state !== 'running' && this.state !== 'asking'
  }

  /** Moves it into sight, as far as it is there. */
  reveal(): void {
    this.element.scrollIntoView({ block: 'nearest' })
  }

  /** Waits for the result and shows it. */
  async follow(result: Promise<unknown>): Promise<void> {
    try {
      const value = await result
      fill(this.#outcome, resultView(value, this.#parts.open))
      this.#set(isObject(value) && value.isError === true ? 'failed' : 'done')
    } catch (error) {
      fill(this.#outcome, errorView(error, this.#abort.signal.aborted))
      this.#set(this.#abort.signal.aborted ? 'cancelled' : 'failed')
    }
  }

  /** @param entry a message, a request or a note that belongs to this call */
  record(entry: Entry, isNew: boolean): void {
    if (!isNew) {
      const chip = this.#chips.get(entry.number)
      if (chip) fill(chip, entry.instance !== undefined && this.#parts.instances.chip(entry.instance))
      return
    }
    const { kind, message, text, instance } = entry
    if (kind === 'note') return this.#broken(instance, text)
    if (kind === 'received') return this.#received(message ?? {}, instance)
    const chip = this.#step('sent', undefined, message ? sentText(message) : 'Resumed the stream at')
    this.#chips.set(entry.number, chip)
  }

  /** Shows a question in its place. */
  ask(question: Asked): void {
    for (const [before, { lost }] of this.#questions) {
      if (lost) before.withdraw('The instance that asked has ended. Another one asks again.')
    }
    this.#questions.set(question, { lost: false })
    this.#steps.append(h('li', { class: 'asked' }, question.element))
    this.#set('asking')
    question.show()
    question.over.then(() => {
      this.#questions.delete(question)
      if (this.#questions.size === 0 && !this.isOver) this.#set('running')
    })
  }

  #broken(instance: string | undefined, text: string | undefined): void {
    for (const state of this.#questions.values()) state.lost = true
    this.#step('note', instance, text)
  }

  #received(message: Message, instance: string | undefined): void {
    const { method, params = {} } = message
    if (method === 'notifications/progress') return this.#showProgress(params, instance)
    if (method === 'notifications/message') {
      const level = String(params.level)
      const data = typeof params.data === 'string' ? params.data : JSON.stringify(params.data)
      this.#step('log', instance, h('span', { class: `level ${level}` }, level), ' ', data)
    } else if (method !== undefined && message.id !== undefined) this.#step('ask', instance, 'Asked by')
    else if (method === undefined) {
      const asks = asksOf(message).length > 0
      this.#step(asks ? 'ask' : 'answer', instance, asks ? 'Asked by' : message.error ? 'Error from' : 'Result from')
    }
  }

  #showProgress({ progress, total, message }: JsonObject, instance: string | undefined): void {
    if (!this.#progress) {
      const bar = h('progress', { 'aria-label': 'Progress' })
      const text = h('span', { class: 'count' })
      const chip = h('span')
      this.#steps.append(h('li', { class: 'step progress' }, bar, text, chip))
      this.#progress = { bar, text, chip }
    }
    const { bar, text, chip } = this.#progress
    if (typeof total === 'number') {
      bar.max = total
      bar.value = Number(progress)
    } else bar.removeAttribute('value')
    const count = typeof total === 'number' ? `${progress} of ${total}` : `${progress}`
    fill(text, count, typeof message === 'string' && `  ${message}`)
    fill(chip, instance !== undefined && this.#parts.instances.chip(instance))
  }

  /** @returns the place of the instance's name */
  #step(kind: string, instance: string | undefined, ...text: Child[]): HTMLElement {
    const chip = h('span', {}, instance !== undefined && this.#parts.instances.chip(instance))
    const time = h('span', { class: 'time' }, timeText(performance.now() - this.#began))
    this.#steps.append(h('li', { class: `step ${kind}` }, h('span', {}, text), ' ', chip, time))
    return chip
  }

  #set(state: RunState): void {
    this.state = state
    this.#show()
    this.#parts.changed()
  }

  #show(): void {
    const { state } = this
    this.element.dataset.state = state
    const time = this.isOver ? `  ${timeText(performance.now() - this.#began)}` : ''
    fill(this.#state, `${WORDS[state]}${time}`)
    if (!this.isOver) return
    this.#cancel.remove()
    for (const question of this.#questions.keys()) question.withdraw('The call is over.')
    // A bar without a total would go on moving.
    if (this.#progress?.bar.hasAttribute('value') === false) this.#progress.bar.value = this.#progress.bar.max
  }
}

function sentText(message: Message): string {
  if (isAnswer(message)) return 'Answer sent through'
  if (message.method === 'notifications/cancelled') return 'Cancel sent through'
  return message.params?.requestState !== undefined ? 'Sent again, with the answers, to' : 'Sent to'
}

function timeText(ms: number): string {
  return ms < 10_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`
}

function errorView(error: unknown, isCancelled: boolean): HTMLElement {
  if (isCancelled) return h('p', { class: 'help' }, 'You cancelled this call.')
  const { message = String(error), code, data } = error as { message?: string; code?: unknown; data?: unknown }
  const caption = code !== undefined && h('p', { class: 'caption' }, `Code ${code}`)
  return h('div', {}, h('div', { class: 'error' }, h('p', {}, message), caption), data !== undefined && jsonView(data))
}
