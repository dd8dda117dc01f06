/** Reads the replies of Redis. A reply of another shape than expected is an error here, and nowhere else. */
import type { Change } from '../../bus.ts'
import type { LogEntry } from '../../streams.ts'

function bad(reply: unknown, wanted: string): never {
  throw new TypeError(`Redis replied ${JSON.stringify(reply)} where ${wanted} was expected.`)
}

export function list(reply: unknown): unknown[] {
  return Array.isArray(reply) ? reply : bad(reply, 'a list')
}

export function text(reply: unknown): string {
  return typeof reply === 'string' ? reply : bad(reply, 'text')
}

/** For a command whose reply has no meaning. */
export function nothing(): void {}

/** Nil is undefined. */
export function optional(reply: unknown): string | undefined {
  return reply === null || reply === undefined ? undefined : text(reply)
}

export function texts(reply: unknown): string[] {
  return list(reply).map(text)
}

/** Nil, which a script leaves out of a refusal, is 0. */
export function number(reply: unknown): number {
  return typeof reply === 'number' ? reply : reply === null || reply === undefined ? 0 : bad(reply, 'a number')
}

export function flag(reply: unknown): boolean {
  return number(reply) === 1
}

export function oneOf<T extends string>(reply: unknown, known: readonly T[]): T {
  return known.find((word) => word === reply) ?? bad(reply, known.join(' or '))
}

type Readers = Record<string, (reply: unknown) => unknown>

/** Reads a reply that begins with a word. After ok each reader reads one item; nothing follows the other words. */
export function either<W extends string, R extends Readers>(words: readonly W[], readers: R) {
  type Found = { [Name in keyof R]: ReturnType<R[Name]> }
  const all = Object.entries(readers)
  return (reply: unknown): ({ status: 'ok' } & Found) | { status: W } => {
    const items = list(reply)
    if (items[0] !== 'ok') return { status: oneOf(items[0], words) }
    const found: Record<string, unknown> = { status: 'ok' }
    let i = 0
    for (const [name, read] of all) found[name] = read(items[++i])
    return found as { status: 'ok' } & Found
  }
}

/** The entries of a stream as id and fields. */
export function streamEntries(reply: unknown): { id: string; fields: string[] }[] {
  return list(reply).map((entry) => {
    const [id, fields] = list(entry)
    return { id: text(id), fields: texts(fields) }
  })
}

/** The entries of a log: `t` tag, `m` message and, on the last, `f`. */
export function logEntries(reply: unknown): LogEntry[] {
  return streamEntries(reply).map(({ id, fields }) => ({
    n: Number.parseInt(id, 10),
    tag: fields[1] ?? '',
    data: fields[3] ?? '',
    final: fields[4] === 'f',
  }))
}

/** A change, as the script `publish` wrote it. */
export function readChange(fields: string[]): Change {
  return JSON.parse(fields[1] ?? '') as Change
}
