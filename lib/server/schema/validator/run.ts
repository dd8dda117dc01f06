/** The state of one check of one value: the steps that are left, and the problems found. */
import type { Resource } from './references.ts'

/** How many steps each check has, and how many more for each member of the value. */
const STEPS = 10_000
const STEPS_PER_MEMBER = 200
/** So many characters of a text count as one member. */
const CHARACTERS = 64

/** The most problems that are collected of one alternative of a union. */
const MAX_PROBLEMS = 100

export type Problem = [path: string, message: string]

/** A check is stopped: it has no steps left, or enough problems. */
export class Stopped extends Error {}

export class Run {
  /** Where problems are collected. Undefined: the first problem ends the check. */
  problems: Problem[] | undefined
  /** The names and positions that lead to the value being checked; kept only while problems are collected. */
  readonly path: (string | number)[] = []
  /** The resources that the check went through, where a reference goes by the dynamic scope. */
  readonly scope: Resource[] = []
  #left = STEPS
  #all: number | undefined
  readonly #value: unknown
  #top: Problem[] | undefined
  #most = 0

  constructor(value: unknown) {
    this.#value = value
  }

  /** How many steps the whole check may take. */
  get budget(): number {
    this.#all ??= STEPS + STEPS_PER_MEMBER * membersOf(this.#value)
    return this.#all
  }

  /** Collects up to `most` problems in the list that is returned, in at most `steps` steps. Called before the check. */
  collect(most: number, steps = Number.POSITIVE_INFINITY): Problem[] {
    this.#all = Math.min(steps, this.budget)
    this.#left = this.#all
    this.#most = most
    this.#top = []
    this.problems = this.#top
    return this.#top
  }

  /** @throws Stopped when no step is left */
  spend(steps: number): void {
    this.#left -= steps
    if (this.#left >= 0) return
    // The members are counted only where a check is long.
    if (this.#all === undefined) this.#left += this.budget - STEPS
    if (this.#left < 0) throw new Stopped()
  }

  /** Spends the steps for reading a text: two, and four for what counts as a member. */
  read(text: string): void {
    this.spend(2 + (4 * text.length) / CHARACTERS)
  }

  /** Reports a problem of the value at the path. Returns false. */
  fail(message: string): false {
    const { problems, path } = this
    if (problems === undefined) return false
    if (problems.length < MAX_PROBLEMS || problems === this.#top) problems.push([path.join('.'), message])
    if (problems === this.#top && problems.length >= this.#most) throw new Stopped()
    return false
  }

  /** Calls `check`, whose problems go into a list of their own. */
  apart(check: () => boolean): { valid: boolean; problems: Problem[] } {
    const outer = this.problems
    const problems: Problem[] = []
    this.problems = problems
    const valid = check()
    this.problems = outer
    return { valid, problems }
  }
}

/** More members than any value has that a client can send; a result may even contain itself. */
const MAX_MEMBERS = 5_000_000

/** The members of a value and of all values in it. */
function membersOf(value: unknown): number {
  const open: unknown[] = [value]
  let count = 0
  while (open.length > 0 && count < MAX_MEMBERS) {
    const next = open.pop()
    if (typeof next === 'string') count += Math.floor(next.length / CHARACTERS)
    if (typeof next !== 'object' || next === null) continue
    for (const name in next) {
      count++
      open.push((next as Record<string, unknown>)[name])
    }
  }
  return count
}
