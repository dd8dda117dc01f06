/**
 * The servers behind the endpoint for which the bodies of tests run: one tool is written once, and served by each. `npm test` runs
 * the bodies with the server of this package, `npm run test:more` with those of the official SDK.
 */
import { inject } from 'vitest'

declare module 'vitest' {
  interface ProvidedContext {
    /** Given by vitest.more.config.ts. */
    official?: true
  }
}

export interface Written {
  name: string
  /** The module for `startFleet`; undefined: the everything server. */
  module: string | undefined
  /** It is written with this package. */
  isOwn: boolean
}

const OWN: Written = { name: 'an McpServer of this package', module: undefined, isOwn: true }
export const V1: Written = { name: 'a server of SDK 1.x', module: '../fixtures/official/v1.ts', isOwn: false }
export const V2: Written = { name: 'a server of SDK 2.x', module: '../fixtures/official/v2.ts', isOwn: false }
/** Its tools are marked as `durable`. */
export const REPLAYED: Written = {
  name: 'a server of SDK 2.x whose tools are durable',
  module: '../fixtures/official/replayed.ts',
  isOwn: false,
}

/** What a file of tests runs with: the server of this package, or this one of the official SDK. */
export const written = (official: Written): Written[] => (inject('official') ? [official] : [OWN])
