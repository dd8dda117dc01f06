/** The router of paths with patterns. A bundle loads it where a route has one. */
import type { Router } from 'hono/router'
import { TrieRouter } from 'hono/router/trie-router'

export function patternRouter<T>(): Router<T> {
  return new TrieRouter()
}
