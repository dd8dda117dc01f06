/** What every field of a form can do, and the parts that all of them have: label, description, problem. */
import { type Child, fill, h, hidden, newId } from '../dom/elements.ts'
import type { Entered } from './check.ts'
import type { Field } from './field.ts'
import type { Json } from './json.ts'

export interface Control {
  element: HTMLElement
  /** @param shows whether a problem is shown beside the field */
  read(shows: boolean): Entered
  write(value: Json | undefined): void
  /** Whether nothing was entered. */
  isEmpty(): boolean
  /** What was entered right so far, where a part of it may be wrong. */
  draft?(): Json | undefined
}

/** What was entered right so far. */
export function draftOf(control: Control): Json | undefined {
  if (control.draft) return control.draft()
  const entered = control.read(false)
  return 'value' in entered ? entered.value : undefined
}

export interface About {
  name: string
  isRequired: boolean
  field: Field
}

/** {@link About} with a field of one kind. */
export type Of<F> = Omit<About, 'field'> & { field: F }

/** The texts of a field, and the place of its problem, which its input names. */
export class Frame {
  readonly id: string = newId()
  readonly #problem = h('p', { class: 'problem', id: `${this.id}-problem` })
  readonly #help: HTMLElement | undefined
  readonly #about: About

  constructor(about: About) {
    this.#about = about
    const { description } = about.field
    if (description !== undefined) this.#help = h('p', { class: 'help', id: `${this.id}-help` }, description)
  }

  /** What an input needs to be found with its texts. */
  get attributes(): { id: string; 'aria-describedby': string; 'aria-required': string | undefined } {
    const described = [this.#help && `${this.id}-help`, `${this.id}-problem`].filter(Boolean).join(' ')
    return { id: this.id, 'aria-describedby': described, 'aria-required': this.#about.isRequired ? 'true' : undefined }
  }

  /** Title, name and whether a value is needed. */
  get heading(): Child[] {
    const { name, isRequired, field } = this.#about
    const { title = name } = field
    return [
      h('span', { class: 'title' }, title),
      title !== name && name !== '' && h('code', { class: 'name' }, name),
      isRequired && h('span', { class: 'required', 'aria-hidden': 'true' }, '*'),
      isRequired && hidden('required'),
      h('span', { class: 'kind' }, kindOf(field)),
    ]
  }

  /** A field with one input. */
  single(input: HTMLElement): HTMLElement {
    const label = h('label', { for: this.id, class: 'label' }, this.heading)
    return h('div', { class: 'field' }, label, this.#help, input, this.#problem)
  }

  /** A field of several inputs. */
  group(...inputs: Child[]): HTMLElement {
    const legend = h('legend', { class: 'label' }, this.heading)
    return h('fieldset', { class: 'field group' }, legend, this.#help, inputs, this.#problem)
  }

  /** Shows a problem, or that there is none. */
  show(problem: string | undefined, input?: HTMLElement): void {
    fill(this.#problem, problem)
    if (problem === undefined) input?.removeAttribute('aria-invalid')
    else input?.setAttribute('aria-invalid', 'true')
  }

  /** Passes on what was read, and shows its problem. */
  result(entered: Entered, shows: boolean, input?: HTMLElement): Entered {
    if (shows) this.show('problem' in entered ? entered.problem : undefined, input)
    return entered
  }
}

function kindOf(field: Field): string {
  if (field.kind === 'number') return field.isInteger ? 'integer' : 'number'
  if (field.kind === 'text') return field.format ?? 'string'
  const kinds = { flag: 'boolean', choice: 'choice', choices: 'choices', object: 'object', list: 'list' } as const
  return field.kind in kinds ? kinds[field.kind as keyof typeof kinds] : field.kind === 'json' ? 'JSON' : ''
}
