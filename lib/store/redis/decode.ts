/** Reads the replies of Redis: what has another shape than it must is an error here, and nowhere else. */
import type { Change, LogEntry } from '../store.ts'

function bad(reply: unknown, wanted: string): never {
  throw new TypeError(`Redis replied ${JSON.stringify(reply)} where ${wanted} was expected.`)
}

export function list(reply: unknown): unknown[] {
  return Array.isArray(reply) ? reply : bad(reply, 'a list')
}

export function text(reply: unknown): string {
  return typeof reply === 'string' ? reply : bad(reply, 'text')
}

/** Nil is undefined. */
export function optional(reply: unknown): string | undefined {
  return reply === null || reply === undefined ? undefined : text(reply)
}

export function texts(reply: unknown): string[] {
  return list(reply).map(text)
}

/** Nil, as left out by a script that had nothing to say, is 0. */
export function number(reply: unknown): number {
  return typeof reply === 'number' ? reply : reply === null || reply === undefined ? 0 : bad(reply, 'a number')
}

export function flag(reply: unknown): boolean {
  return number(reply) === 1
}

export function oneOf<T extends string>(reply: unknown, known: readonly T[]): T {
  return known.find((word) => word === reply) ?? bad(reply, known.join(' or '))
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

/** A change, as {@link Store.publish} wrote it. */
export function readChange(fields: string[]): Change {
  return JSON.parse(fields[1] ?? '') as Change
}
