/** Texts of clients, as a terminal may show them. */
import { shown } from '../protocol/bounds.ts'

/** Without characters that a terminal acts on, or that turn the order of a line: 100 at most. */
export function plain(text: string): string {
  return shown(text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, ' '))
}

/** Whether a text has the form of a session's key. */
export function isKey(text: string): boolean {
  return /^[\w-]{22}$/.test(text)
}
