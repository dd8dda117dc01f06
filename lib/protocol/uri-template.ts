/**
 * RFC 6570 URI templates, read backwards: from a URI to the values of the variables.
 *
 * Matching takes time proportional to the length of the URI times the parts of the template, whatever the URI:
 * a table has the positions from which the rest of the template can still match, and one walk over it picks the values.
 * Where several readings are possible, each variable gets the shortest value that it can, and the last one the rest.
 *
 * Variables of `{a}`, `{+a}`, `{/a}` and `{.a}` must be there and not empty; those of `{;a}`, `{?a}`, `{&a}` and
 * `{#a}` may be missing. Prefixes (`{a:3}`) cannot be read backwards and are refused.
 *
 * Template and URI are compared in their normal forms (uri.ts). A URI whose path has a dot segment that the template does not
 * have is none of its URIs: a variable with `..` could lead a handler out of its folder.
 */
import { MAX_URI } from './bounds.ts'
import { hasDotSegment, normalTemplate, normalUri } from './uri.ts'

/** A list for a variable with `*`, otherwise a string. A missing optional variable has no entry. */
export type Variables = Record<string, string | string[]>

type Optional = '?' | '&' | ';' | '#'
/** The expressions of a template: what is between braces. */
type Expressions<T> = T extends `${string}{${infer E}}${infer Rest}` ? E | Expressions<Rest> : never
type Listed<List> = List extends `${infer First},${infer Rest}` ? First | Listed<Rest> : List
type RequiredIn<E> = E extends `${Optional}${string}`
  ? never
  : E extends `${'+' | '/' | '.'}${infer L}`
    ? Listed<L>
    : Listed<E>
type OptionalIn<E> = E extends `${Optional}${infer L}` ? Listed<L> : never
type NameOf<V> = V extends `${infer Name}*` ? Name : V
type ValueOf<V> = V extends `${string}*` ? string[] : string
type Flat<T> = { [Name in keyof T]: T[Name] }

/** The variables of a template whose text the compiler knows, such as `{ id: string }` of `notes://{id}`. */
export type VariablesOf<T extends string> = string extends T
  ? Variables
  : Flat<
      { [V in RequiredIn<Expressions<T>> as NameOf<V> & string]: ValueOf<V> } & {
        [V in OptionalIn<Expressions<T>> as NameOf<V> & string]?: ValueOf<V> | undefined
      }
    >

interface Variable {
  name: string
  explode: boolean
}

type Part =
  | { kind: 'literal'; text: string }
  /** One or more characters that are not in `stop`: one variable. */
  | { kind: 'run'; stop: string; variable: Variable; separator: string }
  /** Nothing, or `lead` and characters that are not in `stop`: all variables of one expression. */
  | { kind: 'optional'; lead: string; stop: string; variables: Variable[] }

const EXPRESSION = /^([+#./;?&]?)([^+#./;?&].*)$/
const VARIABLE = /^((?:\w|%[0-9A-Fa-f]{2})(?:[\w.]|%[0-9A-Fa-f]{2})*)(\*?)$/

export class UriTemplate {
  readonly text: string
  /** The form in which templates are compared. */
  readonly normal: string
  /** In the order in which the template has them. */
  readonly variables: readonly string[]
  readonly #parts: readonly Part[]
  readonly #prefix: string
  readonly #hasDots: boolean

  /** @throws TypeError with the reason why the template cannot be used */
  constructor(text: string) {
    this.text = text
    this.normal = normalTemplate(text)
    this.#parts = parse(text)
    const names = this.#parts.flatMap(variablesOf).map((variable) => variable.name)
    const twice = names.find((name, index) => names.indexOf(name) !== index)
    if (twice !== undefined) throw new TypeError(`URI template "${text}": the variable "${twice}" occurs twice.`)
    this.variables = names
    this.#hasDots = hasDotSegment(this.normal)
    const first = this.#parts[0]
    this.#prefix = first?.kind === 'literal' ? first.text : ''
  }

  /** The text of the template. */
  toString(): string {
    return this.text
  }

  /** {@link variables}, under the name of the official SDK. */
  get variableNames(): readonly string[] {
    return this.variables
  }

  /** The decoded values of the variables, or undefined if the URI is not one of this template. */
  match(uri: string): Variables | undefined {
    return uri.length > MAX_URI ? undefined : this.matchNormal(normalUri(uri))
  }

  /** As {@link match}, for a URI in its normal form. */
  matchNormal(uri: string): Variables | undefined {
    if (uri.length > MAX_URI || !uri.startsWith(this.#prefix)) return undefined
    if (!this.#hasDots && hasDotSegment(uri)) return undefined
    const table = reachable(this.#parts, uri)
    if (table[0]?.[0] !== 1) return undefined
    const values: Variables = Object.create(null) as Variables
    let at = 0
    for (const [index, part] of this.#parts.entries()) {
      const end = endOf(part, uri, at, table[index + 1] as Uint8Array)
      if (!read(part, uri.slice(at, end), values)) return undefined
      at = end
    }
    return values
  }
}

function variablesOf(part: Part): Variable[] {
  if (part.kind === 'literal') return []
  return part.kind === 'run' ? [part.variable] : part.variables
}

/** The parts of a template's normal form. */
function parse(template: string): Part[] {
  const text = normalTemplate(template)
  const parts: Part[] = []
  const literal = (value: string) => {
    if (value !== '') parts.push({ kind: 'literal', text: value })
  }
  let at = 0
  while (at < text.length) {
    const open = text.indexOf('{', at)
    const plain = text.slice(at, open === -1 ? undefined : open)
    if (plain.includes('}')) throw new TypeError(`URI template "${template}": a "}" without its "{".`)
    literal(plain)
    if (open === -1) break
    const close = text.indexOf('}', open)
    if (close === -1) throw new TypeError(`URI template "${template}": a "{" without its "}".`)
    expression(text.slice(open + 1, close), template, parts, literal)
    at = close + 1
  }
  return parts
}

function expression(source: string, template: string, parts: Part[], literal: (value: string) => void): void {
  const [, operator = '', list = ''] = EXPRESSION.exec(source) ?? []
  const variables = list.split(',').map((item) => {
    const [, name, star] = VARIABLE.exec(item) ?? []
    if (name !== undefined) return { name, explode: star === '*' }
    const why = item.includes(':') ? 'a prefix (":") cannot be matched' : 'is not an expression of RFC 6570'
    throw new TypeError(`URI template "${template}": "{${source}}" ${why}.`)
  })
  if (operator === ';' || operator === '?' || operator === '&' || operator === '#') {
    const stop = operator === '#' ? '' : operator === ';' ? '/?#' : '#'
    parts.push({ kind: 'optional', lead: operator, stop, variables })
    return
  }
  const leads = operator === '/' || operator === '.'
  for (const [index, variable] of variables.entries()) {
    if (leads) literal(operator)
    else if (index > 0) literal(',')
    const stop = operator === '+' ? '' : operator === '/' && variable.explode ? '?#' : '/?#'
    parts.push({ kind: 'run', stop, variable, separator: leads ? operator : ',' })
  }
}

/** `table[i][p]` is 1 if the parts from `i` on match the URI from position `p` to its end. */
function reachable(parts: readonly Part[], uri: string): Uint8Array[] {
  const size = uri.length + 1
  const table: Uint8Array[] = new Array(parts.length + 1)
  let rest = new Uint8Array(size)
  rest[uri.length] = 1
  table[parts.length] = rest
  for (let index = parts.length - 1; index >= 0; index--) {
    const part = parts[index] as Part
    const row = new Uint8Array(size)
    if (part.kind === 'literal') {
      for (let p = 0; p + part.text.length < size; p++) {
        if (rest[p + part.text.length] === 1 && uri.startsWith(part.text, p)) row[p] = 1
      }
    } else {
      // `open` is 1 where one or more allowed characters lead to a position from which the rest matches.
      let open = 0
      for (let p = uri.length - 1; p >= 0; p--) {
        const allowed = !part.stop.includes(uri.charAt(p))
        if (part.kind === 'optional' && uri.charAt(p) === part.lead && (open === 1 || rest[p + 1] === 1)) row[p] = 1
        open = allowed && (open === 1 || rest[p + 1] === 1) ? 1 : 0
        if (part.kind === 'run') row[p] = open
      }
      if (part.kind === 'optional') for (let p = 0; p < size; p++) if (rest[p] === 1) row[p] = 1
    }
    table[index] = row
    rest = row
  }
  return table
}

/** The first position where the part that starts at `at` can end. The table shows that there is one. */
function endOf(part: Part, uri: string, at: number, rest: Uint8Array): number {
  if (part.kind === 'literal') return at + part.text.length
  if (part.kind === 'optional' && rest[at] === 1 && uri.charAt(at) !== part.lead) return at
  let end = at + 1
  while (end < uri.length && rest[end] !== 1) end++
  return rest[end] === 1 ? end : at
}

function read(part: Part, text: string, values: Variables): boolean {
  if (part.kind === 'literal') return true
  if (part.kind === 'run')
    return put(values, part.variable, part.variable.explode ? text.split(part.separator) : [text])
  if (text === '') return true
  const body = text.slice(1)
  if (part.lead === '#') {
    const pieces = part.variables.length === 1 ? [body] : body.split(',')
    return part.variables.every((variable, index) => {
      const piece = pieces[index]
      return piece === undefined || put(values, variable, variable.explode ? piece.split(',') : [piece])
    })
  }
  const found = new Map<string, string[]>()
  for (const pair of body.split(part.lead === ';' ? ';' : '&')) {
    const [name = '', ...value] = pair.split('=')
    const variable = part.variables.find((known) => known.name === name)
    const before = found.get(name)
    if (variable === undefined || (before !== undefined && !variable.explode)) return false
    found.set(name, [...(before ?? []), value.join('=')])
  }
  return part.variables.every((variable) => {
    const pieces = found.get(variable.name)
    return pieces === undefined || put(values, variable, pieces)
  })
}

/** False if the text is not valid percent-encoding. */
function put(values: Variables, variable: Variable, pieces: string[]): boolean {
  try {
    const decoded = pieces.map((piece) => decodeURIComponent(piece))
    values[variable.name] = variable.explode ? decoded : (decoded[0] ?? '')
    return true
  } catch {
    return false
  }
}
