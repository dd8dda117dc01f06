/** The views of tools, prompts, resources and resource templates. */
import type { Prompt, Resource, ResourceTemplateType, Tool } from '@modelcontextprotocol/client'
import type { App } from './app.ts'
import type { CompletionRef, Offer } from './connection.ts'
import { announce, button, fill, h, newId } from './dom/elements.ts'
import { formOf } from './forms/form.ts'
import { expanded, variablesOf } from './forms/uri-template.ts'
import { itemView } from './item-view.ts'
import { partsOf } from './links.ts'
import type { ItemKey } from './runs.ts'

/** The views that were shown. What was typed into one stays as long as its entry is the same, also in the other revision. */
export class ItemViews {
  readonly #app: App
  readonly #shown = new Map<ItemKey, { entry: string; element: HTMLElement }>()

  constructor(app: App) {
    this.#app = app
  }

  /** @returns undefined where the server has no such entry, or nobody knows yet */
  of(key: ItemKey): HTMLElement | undefined {
    const { offer } = this.#app
    const before = this.#shown.get(key)
    if (!offer) return before?.element
    const found = entryOf(offer, key)
    const entry = JSON.stringify(found?.entry)
    if (!found || before?.entry === entry) return found && before?.element
    const element = found.view(this.#app)
    this.#shown.set(key, { entry, element })
    return element
  }
}

interface Found {
  entry: object
  view(app: App): HTMLElement
}

function entryOf(offer: Offer, key: ItemKey): Found | undefined {
  const [kind, name] = partsOf(key)
  switch (kind) {
    case 'tool': {
      const entry = offer.tools.find((one) => one.name === name)
      return entry && { entry, view: (app) => toolView(app, key, entry) }
    }
    case 'prompt': {
      const entry = offer.prompts.find((one) => one.name === name)
      return entry && { entry, view: (app) => promptView(app, key, entry) }
    }
    case 'template': {
      const entry = offer.templates.find((one) => one.uriTemplate === name)
      return entry && { entry, view: (app) => templateView(app, key, entry) }
    }
    default: {
      // A result may link to a resource that is in no list.
      const entry = offer.resources.find(({ uri }) => uri === name) ?? { uri: name, name }
      return { entry, view: (app) => resourceView(app, key, entry) }
    }
  }
}

function toolView(app: App, key: ItemKey, tool: Tool): HTMLElement {
  const { name, title = tool.annotations?.title, description, inputSchema, outputSchema } = tool
  const form = formOf(inputSchema, 'Arguments', name)
  const submit = () => {
    const values = form.read()
    if (values) app.call(key, name, (connection, run) => connection.call(tool, values, run))
  }
  const details = { 'Input schema': inputSchema, 'Output schema': outputSchema, 'Other members': othersOf(tool) }
  const parts = {
    key,
    kind: 'Tool',
    name,
    title,
    description,
    badges: badgesOf(tool),
    form: form.element,
    details,
    submit,
  }
  return itemView(app, { ...parts, act: 'Call tool' })
}

function badgesOf({ annotations = {} }: Tool): string[] {
  const { readOnlyHint, destructiveHint, idempotentHint, openWorldHint } = annotations
  return [
    readOnlyHint && 'read-only',
    destructiveHint && !readOnlyHint && 'destructive',
    idempotentHint && 'idempotent',
    openWorldHint && 'open world',
  ].filter((badge) => typeof badge === 'string')
}

/** What no other part of the view shows. */
function othersOf({ _meta, icons }: Tool): object | undefined {
  return _meta || icons ? { _meta, icons } : undefined
}

interface Texts {
  element: HTMLElement
  /** Undefined: a text is missing. */
  read(): Record<string, string> | undefined
}

interface Variable {
  name: string
  title?: string | undefined
  description?: string | undefined
  required?: boolean | undefined
}

/** Fields for texts, with the suggestions of the server. */
function textsOf(app: App, ref: CompletionRef, variables: readonly Variable[]): Texts {
  const fields = variables.map((variable) => {
    const id = newId()
    const list = h('datalist', { id: `${id}-list` })
    const input = h('input', {
      id,
      type: 'text',
      list: list.id,
      autocomplete: 'off',
      spellcheck: 'false',
      'aria-describedby': `${id}-help`,
      required: variable.required,
    })
    return { variable, id, list, input }
  })
  const values = () =>
    Object.fromEntries(
      fields.flatMap(({ variable, input }) => (input.value === '' ? [] : [[variable.name, input.value]])),
    )
  for (const { variable, list, input } of fields) {
    input.addEventListener('input', async () => {
      const typed = input.value
      const { [variable.name]: _, ...others } = values()
      const suggestions = await app.connection?.complete(ref, variable.name, typed, others).catch(() => [])
      if (input.value === typed)
        fill(
          list,
          suggestions?.map((value) => h('option', { value })),
        )
    })
  }
  const element = h(
    'div',
    { class: 'members' },
    fields.map(({ variable: { name, title = name, description, required }, id, list, input }) =>
      h(
        'div',
        { class: 'field' },
        h(
          'label',
          { for: id, class: 'label' },
          h('span', { class: 'title' }, title),
          title !== name && h('code', { class: 'name' }, name),
          required && h('span', { class: 'required' }, '*'),
        ),
        h('p', { class: 'help', id: `${id}-help` }, description),
        input,
        list,
      ),
    ),
  )
  const read = () => {
    const missing = fields.find(({ variable, input }) => variable.required && input.value === '')
    missing?.input.reportValidity()
    return missing ? undefined : values()
  }
  return { element: fields.length > 0 ? element : h('p', { class: 'help' }, 'No arguments.'), read }
}

function promptView(app: App, key: ItemKey, prompt: Prompt): HTMLElement {
  const { name, title, description, arguments: variables = [] } = prompt
  const texts = textsOf(app, { type: 'ref/prompt', name }, variables)
  const submit = () => {
    const values = texts.read()
    if (values) app.call(key, name, (connection, run) => connection.getPrompt(name, values, run))
  }
  return itemView(app, {
    key,
    kind: 'Prompt',
    name,
    title,
    description,
    form: texts.element,
    act: 'Get prompt',
    submit,
  })
}

function read(app: App, key: ItemKey, uri: string): void {
  app.call(key, uri, (connection, run) => connection.read(uri, run))
}

function resourceView(
  app: App,
  key: ItemKey,
  { uri, name, title = name, description, mimeType }: Resource,
): HTMLElement {
  const badges = mimeType === undefined ? [] : [mimeType]
  const form = h('div')
  const more = app.offer?.capabilities.resources?.subscribe && subscribeButton(app, uri)
  return itemView(app, {
    key,
    kind: 'Resource',
    name: uri,
    title,
    description,
    badges,
    form,
    act: 'Read',
    more,
    submit: () => read(app, key, uri),
  })
}

function subscribeButton(app: App, uri: string): HTMLElement {
  const element = button('', () => void change())
  const show = () => {
    const isOn = app.connection?.isSubscribed(uri) === true
    element.setAttribute('aria-pressed', String(isOn))
    fill(element, isOn ? 'Subscribed' : 'Subscribe')
  }
  const change = async () => {
    const { connection } = app
    try {
      if (connection?.isSubscribed(uri)) await connection.unsubscribe(uri)
      else await connection?.subscribe(uri)
    } catch (error) {
      announce((error as Error).message)
    }
    show()
  }
  app.changed.on(show)
  show()
  return element
}

function templateView(
  app: App,
  key: ItemKey,
  { uriTemplate, name, title = name, description, mimeType }: ResourceTemplateType,
): HTMLElement {
  const variables = variablesOf(uriTemplate).map((variable) => ({ name: variable, required: true }))
  const texts = textsOf(app, { type: 'ref/resource', uri: uriTemplate }, variables)
  const submit = () => {
    const values = texts.read()
    if (values) read(app, key, expanded(uriTemplate, values))
  }
  const badges = mimeType === undefined ? [] : [mimeType]
  return itemView(app, {
    key,
    kind: 'Resource template',
    name: uriTemplate,
    title,
    description,
    badges,
    form: texts.element,
    act: 'Read',
    submit,
  })
}
