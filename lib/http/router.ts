/** The routes of an endpoint are paths without patterns: one look-up, where Hono would compile an expression at the first request. */
import type { Result, Router } from 'hono/router'
import { patternRouter } from './patterns.ts'

const NO_PARAMS = Object.freeze(Object.create(null))
const PATTERN = /[:*{?]/

export class PathRouter<T> implements Router<T> {
  name = 'PathRouter'
  readonly #paths = new Map<string, [method: string, handler: T][]>()
  readonly #routes: [method: string, path: string, handler: T][] = []
  /** Where a route of the author has a pattern. */
  #patterns: Router<T> | undefined

  add(method: string, path: string, handler: T): void {
    this.#routes.push([method, path, handler])
    if (this.#patterns) return this.#patterns.add(method, path, handler)
    if (PATTERN.test(path)) {
      this.#patterns = patternRouter()
      for (const route of this.#routes) this.#patterns.add(...route)
      return
    }
    const found = this.#paths.get(path)
    if (found) found.push([method, handler])
    else this.#paths.set(path, [[method, handler]])
  }

  match(method: string, path: string): Result<T> {
    if (this.#patterns) return this.#patterns.match(method, path)
    const handlers: [T, Record<string, string>][] = []
    for (const [one, handler] of this.#paths.get(path) ?? []) {
      if (one === method || one === 'ALL') handlers.push([handler, NO_PARAMS])
    }
    return [handlers]
  }
}
