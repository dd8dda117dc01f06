/** Fields of one value: texts, numbers, flags, choices, JSON. */
import { h } from '../dom/elements.ts'
import { type Entered, empty, readJson, readNumber, readText } from './check.ts'
import { type Control, Frame, type Of } from './control.ts'
import type { ChoiceField, ConstantField, FlagField, JsonField, NumberField, TextField } from './field.ts'
import { isObject, isSame, type Json, labelOf, prettyJson } from './json.ts'

/** Kinds of inputs by the format of the schema. A time has a zone, which no input of HTML has. */
const TYPES: Readonly<Record<string, string>> = { email: 'email', uri: 'url', date: 'date', password: 'password' }

export function textControl(about: Of<TextField>): Control {
  const { field, isRequired } = about
  const frame = new Frame(about)
  const attributes = { ...frame.attributes, placeholder: field.example, spellcheck: 'false', autocomplete: 'off' }
  const input = field.isLong
    ? h('textarea', { ...attributes, rows: 3 })
    : h('input', { ...attributes, type: TYPES[field.format ?? ''] ?? 'text' })
  const control: Control = {
    element: frame.single(input),
    read: (shows) => frame.result(readText(field, input.value, isRequired), shows, input),
    write: (value) => {
      input.value = typeof value === 'string' ? value : ''
    },
    isEmpty: () => input.value === '',
  }
  control.write(field.initial)
  return control
}

export function numberControl(about: Of<NumberField>): Control {
  const { field, isRequired } = about
  const frame = new Frame(about)
  // An input of the type number hides what it cannot read.
  const input = h('input', {
    ...frame.attributes,
    type: 'text',
    inputmode: field.isInteger ? 'numeric' : 'decimal',
    autocomplete: 'off',
    placeholder: rangeOf(field),
  })
  const control: Control = {
    element: frame.single(input),
    read: (shows) => frame.result(readNumber(field, input.value, isRequired), shows, input),
    write: (value) => {
      input.value = typeof value === 'number' ? String(value) : ''
    },
    isEmpty: () => input.value.trim() === '',
  }
  control.write(field.initial)
  return control
}

function rangeOf({ minimum, maximum, above, below }: NumberField): string | undefined {
  if (minimum !== undefined && maximum !== undefined) return `${minimum} to ${maximum}`
  const from = minimum === undefined ? above !== undefined && `more than ${above}` : `at least ${minimum}`
  const to = maximum === undefined ? below !== undefined && `less than ${below}` : `at most ${maximum}`
  return [from, to].filter(Boolean).join(', ') || undefined
}

/** A checkbox cannot say that nothing was chosen: an optional flag without a default is a choice of three. */
export function flagControl(about: Of<FlagField>): Control {
  const { field, isRequired } = about
  if (!isRequired && field.initial === undefined) {
    const options = [true, false].map((value) => ({ value, label: String(value) }))
    return choiceControl({ ...about, field: { ...field, kind: 'choice', options } })
  }
  const frame = new Frame(about)
  const input = h('input', { ...frame.attributes, 'aria-required': undefined, type: 'checkbox' })
  const element = frame.single(input)
  element.classList.add('flag')
  const control: Control = {
    element,
    read: () => ({ value: input.checked }),
    write: (value) => {
      input.checked = value === true
    },
    isEmpty: () => !input.checked,
  }
  control.write(field.initial)
  return control
}

export function choiceControl(about: Of<ChoiceField>): Control {
  const { field, isRequired } = about
  const { options } = field
  const frame = new Frame(about)
  const choices = options.map(({ label }, i) => h('option', { value: i }, label))
  const input = h('select', frame.attributes, h('option', { value: '' }, isRequired ? 'Choose…' : 'Not set'), choices)
  const read = () => {
    const chosen = options[Number(input.value)]
    return input.value === '' || !chosen ? empty(isRequired, field.isNullable) : { value: chosen.value }
  }
  const control: Control = {
    element: frame.single(input),
    read: (shows) => frame.result(read(), shows, input),
    write: (value) => {
      const index = options.findIndex((option) => isSame(option.value, value))
      input.value = index < 0 ? '' : String(index)
    },
    isEmpty: () => input.value === '',
  }
  control.write(field.initial)
  return control
}

/** @param isObjectOnly any other value is a problem */
export function jsonControl(about: Of<JsonField>, isObjectOnly = false): Control {
  const { field, isRequired } = about
  const frame = new Frame(about)
  const input = h('textarea', { ...frame.attributes, class: 'code', rows: 4, spellcheck: 'false', autocomplete: 'off' })
  const read = (): Entered => {
    const entered = readJson(input.value, isRequired)
    const isOther = isObjectOnly && 'value' in entered && entered.value !== undefined && !isObject(entered.value)
    return isOther ? { problem: 'This must be an object: { … }' } : entered
  }
  const control: Control = {
    element: frame.single(input),
    read: (shows) => frame.result(read(), shows, input),
    write: (value) => {
      input.value = value === undefined ? '' : prettyJson(value)
    },
    isEmpty: () => input.value.trim() === '',
  }
  control.write(field.initial)
  return control
}

/** A value that cannot be another one: it is sent and takes no place. Where it may be missing, it is a choice. */
export function constantControl(about: Of<ConstantField>): Control {
  const { field, isRequired } = about
  const { value } = field
  const options = [{ value, label: labelOf(value) }]
  if (!isRequired) return choiceControl({ ...about, field: { ...field, kind: 'choice', options } })
  return {
    element: h('div', { hidden: true }),
    read: () => ({ value }),
    write: (_value: Json | undefined) => {},
    isEmpty: () => true,
  }
}
