/** The form of a schema, with a second view of the same values: their JSON. */
import { fill, h, newId } from '../dom/elements.ts'
import { objectControl } from './composed.ts'
import { type Control, draftOf } from './control.ts'
import { isObject, type JsonObject } from './json.ts'
import { fieldOf } from './schema.ts'
import { jsonControl } from './simple.ts'

interface Form {
  element: HTMLElement
  /** The values; undefined: a field shows why not. The first such field has the focus then. */
  read(): JsonObject | undefined
}

const NOTHING = { title: undefined, description: undefined, initial: undefined, isNullable: false }

/**
 * @param what what the values are: `Arguments`
 * @param name what the form is about, for screen readers
 */
export function formOf(schema: unknown, what: string, name: string): Form {
  const given = fieldOf(schema)
  const field = given.kind === 'object' ? given : undefined
  const json = jsonControl({ name: `${what} as JSON`, isRequired: false, field: { kind: 'json', ...NOTHING } }, true)
  const fields = field && objectControl({ name: '', isRequired: true, field }, true)
  const place = h('div', { class: 'values' })
  let shown: Control = fields ?? json
  const show = (control: Control) => {
    const draft = draftOf(shown)
    if (control !== shown && draft !== undefined) control.write(draft)
    shown = control
    const isNone = control === fields && field?.members.length === 0
    fill(place, isNone ? h('p', { class: 'help' }, 'Nothing has to be entered.') : control.element)
  }
  show(shown)
  const choice = fields && modes(name, (asJson) => show(asJson ? json : fields))
  const element = h('div', { class: 'form' }, h('div', { class: 'form-head' }, h('span', {}, what), choice), place)
  const read = () => {
    const entered = shown.read(true)
    if ('value' in entered) return isObject(entered.value) ? entered.value : {}
    const wrong = place.querySelector<HTMLElement>('[aria-invalid=true]')
    wrong?.focus()
    return undefined
  }
  return { element, read }
}

function modes(name: string, choose: (asJson: boolean) => void): HTMLElement {
  const group = newId()
  const option = (label: string, asJson: boolean) => {
    const input = h('input', { type: 'radio', name: group, checked: !asJson, on: { change: () => choose(asJson) } })
    return h('label', {}, input, h('span', {}, label))
  }
  const legend = h('legend', { class: 'sr' }, `How the values of ${name} are entered`)
  return h('fieldset', { class: 'switch modes' }, legend, option('Form', false), option('JSON', true))
}
