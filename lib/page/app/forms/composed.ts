/** Fields that have others in them: objects, lists, several choices, variants. */
import { announce, button, fill, h } from '../dom/elements.ts'
import { type Entered, empty, readCount } from './check.ts'
import { type About, type Control, draftOf, Frame, type Of } from './control.ts'
import type { ChoicesField, Field, ListField, ObjectField, VariantsField } from './field.ts'
import { isObject, isSame, type Json, type JsonObject } from './json.ts'
import { choiceControl, constantControl, flagControl, jsonControl, numberControl, textControl } from './simple.ts'

function controlOf(about: About): Control {
  const { field } = about
  switch (field.kind) {
    case 'text':
      return textControl({ ...about, field })
    case 'number':
      return numberControl({ ...about, field })
    case 'flag':
      return flagControl({ ...about, field })
    case 'choice':
      return choiceControl({ ...about, field })
    case 'choices':
      return choicesControl({ ...about, field })
    case 'object':
      return objectControl({ ...about, field })
    case 'list':
      return listControl({ ...about, field })
    case 'variants':
      return variantsControl({ ...about, field })
    case 'constant':
      return constantControl({ ...about, field })
    case 'json':
      return jsonControl({ ...about, field })
  }
}

/** @param isWhole the object is the form itself, which needs no frame */
export function objectControl(about: Of<ObjectField>, isWhole = false): Control {
  const { field, isRequired } = about
  const members = field.members.map((member) => ({ name: member.name, control: controlOf(member) }))
  const elements = members.map(({ control }) => control.element)
  const isEmpty = () => members.every(({ control }) => control.isEmpty())
  const control: Control = {
    element: isWhole ? h('div', { class: 'members' }, elements) : new Frame(about).group(elements),
    read: (shows) => {
      if (!isRequired && isEmpty()) return { value: undefined }
      const value: JsonObject = {}
      let isRight = true
      for (const { name, control } of members) {
        const entered = control.read(shows)
        if ('problem' in entered) isRight = false
        else if (entered.value !== undefined) setMember(value, name, entered.value)
      }
      return isRight ? { value } : { problem: 'A field needs another value.' }
    },
    write: (value) => {
      for (const { name, control } of members) control.write(isObject(value) ? value[name] : undefined)
    },
    isEmpty,
    draft: () => {
      const value: JsonObject = {}
      for (const { name, control } of members) {
        const draft = draftOf(control)
        if (draft !== undefined) setMember(value, name, draft)
      }
      return !isRequired && Object.keys(value).length === 0 ? undefined : value
    },
  }
  if (field.initial !== undefined) control.write(field.initial)
  return control
}

/** A member may be called `__proto__`. */
function setMember(object: JsonObject, name: string, value: Json): void {
  Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true })
}

function listControl(about: Of<ListField>): Control {
  const { field, isRequired } = about
  const frame = new Frame(about)
  const list = h('ol', { class: 'items' })
  let items: { control: Control; row: HTMLElement }[] = []
  const remove = (row: HTMLElement) => {
    items = items.filter((item) => item.row !== row)
    row.remove()
    announce(`Removed. ${items.length} left.`)
    add.focus()
  }
  const append = (value: Json | undefined): Control => {
    const control = controlOf({ name: `Item ${items.length + 1}`, isRequired: true, field: field.item })
    const row = h('li', {}, control.element)
    row.append(button('Remove', () => remove(row), { kind: 'small', label: `Remove item ${items.length + 1}` }))
    if (value !== undefined) control.write(value)
    items.push({ control, row })
    list.append(row)
    return control
  }
  const add = button('Add item', () => firstInput(append(undefined).element)?.focus(), { kind: 'small' })
  const read = (shows: boolean): Entered => {
    const entered = items.map(({ control }) => control.read(shows))
    const values = entered.flatMap((one) => ('value' in one && one.value !== undefined ? [one.value] : []))
    if (values.length === 0 && items.length === 0 && !isRequired) return { value: undefined }
    const problem = readCount(field, items.length)
    if (problem !== undefined) return { problem }
    return values.length < items.length ? { problem: 'An item needs another value.' } : { value: values }
  }
  const control: Control = {
    element: frame.group(list, add),
    read: (shows) => frame.result(read(shows), shows, add),
    write: (value) => {
      items = []
      list.replaceChildren()
      for (const item of Array.isArray(value) ? value : []) append(item)
    },
    isEmpty: () => items.length === 0,
    draft: () => (items.length === 0 ? undefined : items.map(({ control }) => draftOf(control) ?? null)),
  }
  control.write(field.initial)
  return control
}

function firstInput(element: HTMLElement): HTMLElement | null {
  return element.querySelector<HTMLElement>('input, textarea, select, button')
}

function choicesControl(about: Of<ChoicesField>): Control {
  const { field, isRequired } = about
  const { options } = field
  const frame = new Frame(about)
  const boxes = options.map(() => h('input', { type: 'checkbox' }))
  const rows = boxes.map((box, i) => h('label', { class: 'choice' }, box, h('span', {}, options[i]?.label)))
  const chosen = () => options.filter((_option, i) => boxes[i]?.checked).map(({ value }) => value)
  const read = (): Entered => {
    const values = chosen()
    if (values.length === 0 && !isRequired) return { value: undefined }
    const problem = readCount(field, values.length)
    return problem === undefined ? { value: values } : { problem }
  }
  const control: Control = {
    element: frame.group(h('div', { class: 'choices' }, rows)),
    read: (shows) => frame.result(read(), shows, boxes[0]),
    write: (value) => {
      const values = Array.isArray(value) ? value : []
      for (const [i, box] of boxes.entries()) box.checked = values.some((one) => isSame(one, options[i]?.value))
    },
    isEmpty: () => chosen().length === 0,
  }
  control.write(field.initial)
  return control
}

function variantsControl(about: Of<VariantsField>): Control {
  const { field, isRequired } = about
  const { variants } = field
  const frame = new Frame(about)
  const options = variants.map(({ label }, i) => h('option', { value: i }, label))
  const none = (!isRequired || field.isNullable) && h('option', { value: '' }, field.isNullable ? 'null' : 'Not set')
  const select = h(
    'select',
    { ...frame.attributes, 'aria-label': `${about.field.title ?? about.name}: kind` },
    none,
    options,
  )
  const place = h('div', { class: 'variant' })
  let current: Control | undefined
  const choose = (index: string) => {
    select.value = index
    const variant = index === '' ? undefined : variants[Number(index)]
    current = variant && partOf(variant.field, about.name)
    fill(place, current?.element)
  }
  select.addEventListener('change', () => choose(select.value))
  const control: Control = {
    element: frame.group(select, place),
    read: (shows) => frame.result(current ? current.read(shows) : empty(isRequired, field.isNullable), shows, select),
    write: (value) => {
      if (value === undefined || value === null) return choose(none ? '' : '0')
      choose(
        String(
          Math.max(
            0,
            variants.findIndex((variant) => fits(variant.field, value)),
          ),
        ),
      )
      current?.write(value)
    },
    isEmpty: () => select.value === '',
    draft: () => current && draftOf(current),
  }
  control.write(field.initial)
  return control
}

/** The fields of a variant. An object needs no frame of its own. */
function partOf(field: Field, name: string): Control {
  if (field.kind === 'object') return objectControl({ name, isRequired: true, field }, true)
  return controlOf({ name, isRequired: true, field })
}

/** Whether a value could be one of the field. */
function fits(field: Field, value: Json): boolean {
  switch (field.kind) {
    case 'text':
      return typeof value === 'string'
    case 'number':
      return typeof value === 'number'
    case 'flag':
      return typeof value === 'boolean'
    case 'constant':
      return isSame(field.value, value)
    case 'choice':
      return field.options.some((option) => isSame(option.value, value))
    case 'list':
    case 'choices':
      return Array.isArray(value)
    case 'object':
      return (
        isObject(value) &&
        field.members.every(({ name, isRequired, field }) => {
          const member = value[name]
          return member === undefined ? !isRequired : fits(field, member)
        })
      )
    default:
      return true
  }
}
