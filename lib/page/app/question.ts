/** What the server asks, as a card that a person answers. */
import {
  type CreateMessageRequest,
  type CreateMessageResult,
  type ElicitRequest,
  type ElicitResult,
  type ListRootsResult,
  ProtocolError,
} from '@modelcontextprotocol/client'
import type { AskContext } from './connection.ts'
import { jsonView, textView } from './content.ts'
import { add, announce, button, type Child, fill, h, icon, newId } from './dom/elements.ts'
import { formOf } from './forms/form.ts'
import { prettyJson } from './forms/json.ts'

/** The code with which clients report that their user has declined (specification, sampling). */
const DECLINED = -1

/** A question as those see it who show it. */
export interface Asked {
  readonly element: HTMLElement
  /** Resolves when it was answered, declined or withdrawn. */
  readonly over: Promise<unknown>
  /** Shows it to a person who does not type elsewhere at the moment. */
  show(): void
  /** Nobody waits for an answer any more: none is sent. */
  withdraw(words: string): void
}

export class Question<Answer> implements Asked {
  readonly element: HTMLElement
  readonly answer: Promise<Answer>
  readonly over: Promise<unknown>
  readonly #heading: HTMLElement
  readonly #title: string
  #resolve: (answer: Answer) => void = () => {}
  #reject: (error: Error) => void = () => {}
  #end: () => void = () => {}

  constructor(title: string, { signal }: AskContext) {
    this.#title = title
    const id = newId()
    this.#heading = h('h3', { id, tabindex: -1 }, icon('ask'), h('span', {}, title))
    this.element = h('section', { class: 'question', 'aria-labelledby': id }, this.#heading)
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    this.over = new Promise((resolve) => {
      this.#end = () => resolve(undefined)
    })
    signal.addEventListener('abort', () => this.withdraw('The server asks no longer.'))
  }

  add(...children: Child[]): void {
    add(this.element, children)
  }

  show(): void {
    announce(`A question: ${this.#title}`)
    const busy = document.activeElement?.matches('input, textarea, select') && !document.activeElement.closest('.call')
    if (this.element.isConnected && !busy) this.#heading.focus()
  }

  accept(answer: Answer, words: string, shown?: unknown): void {
    this.#close(words, shown)
    this.#resolve(answer)
  }

  withdraw(words: string): void {
    this.#close(words)
  }

  refuse(words: string): void {
    this.#close(words)
    this.#reject(new ProtocolError(DECLINED, 'The user has declined.'))
  }

  #close(words: string, shown?: unknown): void {
    if (this.element.classList.contains('over')) return
    this.element.classList.add('over')
    this.element.removeAttribute('aria-labelledby')
    this.#end()
    const detail = shown !== undefined && h('code', {}, prettyJson(shown).replace(/\s+/g, ' '))
    fill(this.element, h('p', {}, h('strong', {}, words), ' ', detail))
  }
}

function actions(...buttons: HTMLElement[]): HTMLElement {
  return h('div', { class: 'actions' }, buttons)
}

/** A form, or a page to open. */
export function elicitation(params: ElicitRequest['params'], context: AskContext): Question<ElicitResult> {
  const question = new Question<ElicitResult>('The server asks you', context)
  const answer = (action: 'decline' | 'cancel', words: string) => () => question.accept({ action }, words)
  const decline = button('Decline', answer('decline', 'You declined.'))
  const dismiss = button('Dismiss', answer('cancel', 'You dismissed it.'))
  question.add(h('p', { class: 'words' }, params.message))
  if (params.mode === 'url') {
    addPage(question, params.url)
    const accept = () => question.accept({ action: 'accept' }, 'You accepted.')
    question.add(actions(button('Accept', accept, { kind: 'primary' }), decline, dismiss))
    return question
  }
  const form = formOf(params.requestedSchema, 'Answer', 'the question')
  const send = (event: Event) => {
    event.preventDefault()
    const content = form.read()
    if (content) question.accept({ action: 'accept', content } as ElicitResult, 'You answered', content)
  }
  const submit = button('Send answer', undefined, { kind: 'primary', type: 'submit' })
  question.add(h('form', { novalidate: true, on: { submit: send } }, form.element, actions(submit, decline, dismiss)))
  return question
}

function addPage(question: Question<ElicitResult>, text: string): void {
  const url = URL.parse(text)
  if (url === null || !/^https?:$/.test(url.protocol)) {
    question.add(h('p', { class: 'problem' }, 'This is no address of a web page: '), h('code', {}, text))
    return
  }
  question.add(
    h(
      'p',
      {},
      'It wants to open a page of ',
      h('strong', {}, url.host),
      '. The page gets what you enter there; this one does not.',
    ),
    h('p', { class: 'address' }, h('code', {}, url.href)),
    h(
      'p',
      {},
      h('a', { class: 'button plain', href: url.href, target: '_blank', rel: 'noopener noreferrer' }, 'Open the page'),
    ),
  )
}

/** You are the model. */
export function sampling(params: CreateMessageRequest['params'], context: AskContext): Question<CreateMessageResult> {
  const question = new Question<CreateMessageResult>('The server asks your model', context)
  const { messages, systemPrompt, maxTokens } = params
  const id = newId()
  const input = h('textarea', { id, rows: 3 })
  const reply = (event: Event) => {
    event.preventDefault()
    const content = { type: 'text' as const, text: input.value }
    question.accept({ role: 'assistant', model: 'a person', content }, 'You replied', input.value)
  }
  const decline = button('Decline', () => question.refuse('You declined.'))
  const submit = button('Send reply', undefined, { kind: 'primary', type: 'submit' })
  question.add(
    systemPrompt !== undefined && h('p', { class: 'caption' }, `System prompt: ${systemPrompt}`),
    ...messages.map(({ role, content }) => {
      const blocks = Array.isArray(content) ? content : [content]
      const shown = blocks.map((block) => (block.type === 'text' ? textView(block.text) : jsonView(block)))
      return h('div', { class: 'labelled' }, h('p', { class: 'caption' }, role), shown)
    }),
    h('p', { class: 'caption' }, `At most ${maxTokens} tokens`),
    h(
      'form',
      { on: { submit: reply } },
      h('label', { for: id, class: 'label' }, 'Reply of the model'),
      input,
      actions(submit, decline),
    ),
  )
  return question
}

export function roots(context: AskContext): Question<ListRootsResult> {
  const question = new Question<ListRootsResult>('The server asks for your folders', context)
  const id = newId()
  const problem = h('p', { class: 'problem', id: `${id}-problem` })
  const input = h('textarea', {
    id,
    rows: 3,
    placeholder: 'file:///home/me/project',
    'aria-describedby': `${id}-problem`,
  })
  const send = (event: Event) => {
    event.preventDefault()
    const uris = input.value
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '')
    const wrong = uris.find((uri) => !uri.startsWith('file://'))
    fill(problem, wrong !== undefined && `${wrong} is no root: each begins with file://`)
    if (wrong === undefined) question.accept({ roots: uris.map((uri) => ({ uri })) }, 'You named', uris)
  }
  const decline = button('Decline', () => question.refuse('You declined.'))
  const submit = button('Send folders', undefined, { kind: 'primary', type: 'submit' })
  question.add(
    h(
      'form',
      { on: { submit: send } },
      h('label', { for: id, class: 'label' }, 'Roots, one a line'),
      input,
      problem,
      actions(submit, decline),
    ),
  )
  return question
}
