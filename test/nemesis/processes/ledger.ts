/** The file in which the tools of all instances record what they do. A line is one write, so a kill loses none before it. */
import { appendFileSync, closeSync, openSync, readSync } from 'node:fs'
import type { Entry } from '../history.ts'
import type { Timeline } from '../timeline.ts'

export type Ledger = (entry: Omit<Entry, 'at' | 'process'>) => void

export function openLedger(path: string, name: string, now: Timeline): Ledger {
  return (entry) => appendFileSync(path, `${JSON.stringify({ at: now(), process: name, ...entry })}\n`)
}

/** Names of the newest entries that are remembered. */
const MAX_NAMES = 20_000

/** Reads what was added to a ledger since it was read last. */
export class LedgerReader {
  readonly #file: number
  #at = 0
  #rest = Buffer.alloc(0)
  readonly #names = new Map<string, string>()

  constructor(path: string) {
    appendFileSync(path, '')
    this.#file = openSync(path, 'r')
  }

  read(): Entry[] {
    const entries: Entry[] = []
    for (;;) {
      const chunk = Buffer.alloc(1 << 20)
      const length = readSync(this.#file, chunk, 0, chunk.length, this.#at)
      if (length === 0) return entries
      this.#at += length
      const bytes = Buffer.concat([this.#rest, chunk.subarray(0, length)])
      const end = bytes.lastIndexOf(10) + 1
      this.#rest = Buffer.from(bytes.subarray(end))
      for (const line of bytes.toString('utf8', 0, end).split('\n')) {
        if (line !== '') entries.push(this.#shared(JSON.parse(line) as Entry))
      }
    }
  }

  /** Names occur in many entries of a call: each is kept in memory once. */
  #shared(entry: Entry): Entry {
    if (this.#names.size > MAX_NAMES) this.#names.clear()
    for (const [member, value] of Object.entries(entry)) {
      if (typeof value !== 'string') continue
      const known = this.#names.get(value)
      if (known === undefined) this.#names.set(value, value)
      else Object.assign(entry, { [member]: known })
    }
    return entry
  }

  close(): void {
    closeSync(this.#file)
  }
}
