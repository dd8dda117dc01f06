/** What `dev` prints: its own lines with the time, and those of the instances with their numbers. */
import { systemClock } from '../../base/clock.ts'

const COLORS = [36, 35, 34, 32, 33] as const

export class Terminal {
  readonly color: boolean
  /** A line that began with this text was printed last: a file that is saved again without a cure repeats no error. */
  #last = ''

  constructor() {
    const { FORCE_COLOR: force, NO_COLOR: none } = process.env
    this.color = none === undefined && (process.stdout.isTTY === true || (force !== undefined && force !== '0'))
  }

  /** A line without the time. */
  print(line: string): void {
    this.#last = ''
    process.stdout.write(`${line}\n`)
  }

  /** A line about what `dev` does. */
  say(line: string): void {
    const time = new Date(systemClock.wall()).toTimeString().slice(0, 8)
    this.print(`${this.#paint(2, time)} ${line}`)
  }

  /** A line about what is wrong. The same line is not repeated. */
  warn(line: string): void {
    if (line === this.#last) return
    this.say(this.#paint(31, line))
    this.#last = line
  }

  /** A line that an instance wrote. */
  relay(instance: number, old: boolean, line: string): void {
    const name = `[${instance}${old ? ' old' : ''}]`
    this.print(`${this.#paint(COLORS[(instance - 1) % COLORS.length] ?? 36, name)} ${line}`)
  }

  #paint(code: number, text: string): string {
    return this.color ? `\x1b[${code}m${text}\x1b[0m` : text
  }
}
