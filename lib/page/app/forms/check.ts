/** Reads what was typed into a field. */
import type { ChoicesField, NumberField, TextField } from './field.ts'
import type { Json } from './json.ts'

/** A value; undefined: nothing was entered. Or why there is none: a sentence for the person. */
export type Entered = { value: Json | undefined } | { problem: string }

const NOTHING: Entered = { value: undefined }
const MISSING: Entered = { problem: 'A value is required.' }

/** What an empty field means. */
export function empty(isRequired: boolean, isNullable: boolean): Entered {
  if (!isRequired) return NOTHING
  return isNullable ? { value: null } : MISSING
}

const FORMATS: Readonly<Record<string, [form: RegExp, name: string]>> = {
  email: [/^[^\s@]+@[^\s@]+$/, 'an email address'],
  uri: [/^[a-z][a-z0-9+.-]*:\S+$/i, 'a URI, such as https://example.com'],
  date: [/^\d{4}-\d{2}-\d{2}$/, 'a date, such as 2026-12-31'],
  'date-time': [
    /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2})$/i,
    'a time, such as 2026-12-31T12:00:00Z',
  ],
}

export function readText(field: TextField, text: string, isRequired: boolean): Entered {
  if (text === '' && !(isRequired && field.minLength === 0)) return empty(isRequired, field.isNullable)
  const { length } = [...text]
  const { minLength = 0, maxLength = Number.POSITIVE_INFINITY, pattern, format = '' } = field
  if (length < minLength) return { problem: `The text needs at least ${minLength} characters.` }
  if (length > maxLength) return { problem: `The text may have at most ${maxLength} characters; it has ${length}.` }
  if (pattern !== undefined && !matches(pattern, text)) return { problem: `The text must match ${pattern}` }
  const [form, name] = FORMATS[format] ?? []
  if (form && !form.test(text)) return { problem: `The text must be ${name}.` }
  return { value: text }
}

/** A pattern that this browser cannot read is left to the server. */
function matches(pattern: string, text: string): boolean {
  try {
    return new RegExp(pattern, 'u').test(text)
  } catch {
    return true
  }
}

export function readNumber(field: NumberField, text: string, isRequired: boolean): Entered {
  const plain = text.trim()
  if (plain === '') return empty(isRequired, field.isNullable)
  const value = Number(plain)
  if (!Number.isFinite(value)) return { problem: 'This is no number.' }
  if (field.isInteger && !Number.isInteger(value)) return { problem: 'The number must be whole.' }
  const { minimum, maximum, above, below, multipleOf } = field
  if (minimum !== undefined && value < minimum) return { problem: `The number must be at least ${minimum}.` }
  if (maximum !== undefined && value > maximum) return { problem: `The number must be at most ${maximum}.` }
  if (above !== undefined && value <= above) return { problem: `The number must be more than ${above}.` }
  if (below !== undefined && value >= below) return { problem: `The number must be less than ${below}.` }
  if (multipleOf !== undefined && !isMultiple(value, multipleOf)) {
    return { problem: `The number must be a multiple of ${multipleOf}.` }
  }
  return { value }
}

function isMultiple(value: number, of: number): boolean {
  const times = value / of
  return Math.abs(times - Math.round(times)) < 1e-9
}

export function readCount(field: Pick<ChoicesField, 'minItems' | 'maxItems'>, count: number): string | undefined {
  const { minItems, maxItems } = field
  const items = (number: number) => `${number} ${number === 1 ? 'item' : 'items'}`
  if (minItems !== undefined && count < minItems) return `At least ${items(minItems)} must be there.`
  if (maxItems !== undefined && count > maxItems) return `At most ${items(maxItems)} may be there.`
  return undefined
}

export function readJson(text: string, isRequired: boolean): Entered {
  if (text.trim() === '') return empty(isRequired, false)
  try {
    return { value: JSON.parse(text) as Json }
  } catch (error) {
    return { problem: `This is no JSON: ${(error as Error).message}` }
  }
}
