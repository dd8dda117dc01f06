/** Fields of a form. A schema that no field fits becomes a field of JSON, so that every value can be entered. */
import type { Json } from './json.ts'

interface Common {
  title: string | undefined
  description: string | undefined
  /** The `default` of the schema. */
  initial: Json | undefined
  /** Whether `null` is a value, too. */
  isNullable: boolean
}

export interface Option {
  label: string
  value: Json
}

export interface TextField extends Common {
  kind: 'text'
  format: string | undefined
  minLength: number | undefined
  maxLength: number | undefined
  pattern: string | undefined
  /** A value that the schema shows. */
  example: string | undefined
  /** The text is likely to have several lines. */
  isLong: boolean
}

export interface NumberField extends Common {
  kind: 'number'
  isInteger: boolean
  minimum: number | undefined
  maximum: number | undefined
  /** The number must be greater, and not equal. */
  above: number | undefined
  /** The number must be smaller, and not equal. */
  below: number | undefined
  multipleOf: number | undefined
}

export interface FlagField extends Common {
  kind: 'flag'
}

/** One of several values. */
export interface ChoiceField extends Common {
  kind: 'choice'
  options: readonly Option[]
}

/** Several of several values. */
export interface ChoicesField extends Common {
  kind: 'choices'
  options: readonly Option[]
  minItems: number | undefined
  maxItems: number | undefined
}

export interface Member {
  name: string
  isRequired: boolean
  field: Field
}

export interface ObjectField extends Common {
  kind: 'object'
  members: readonly Member[]
}

export interface ListField extends Common {
  kind: 'list'
  item: Field
  minItems: number | undefined
  maxItems: number | undefined
}

interface Variant {
  label: string
  field: Field
}

export interface VariantsField extends Common {
  kind: 'variants'
  variants: readonly Variant[]
}

export interface ConstantField extends Common {
  kind: 'constant'
  value: Json
}

export interface JsonField extends Common {
  kind: 'json'
}

export type Field =
  | TextField
  | NumberField
  | FlagField
  | ChoiceField
  | ChoicesField
  | ObjectField
  | ListField
  | VariantsField
  | ConstantField
  | JsonField
