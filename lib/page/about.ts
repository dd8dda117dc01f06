/** What the page reads before it speaks MCP. Nobody needs a token for it. */
import type { Admission } from '../connect/types.ts'
import type { ShownInstance } from './options.ts'

export interface About {
  /** The title of the server, else its name. */
  name: string
  /** Where the endpoint answers, without what a proxy or an app puts in front: `/mcp`. */
  path: string
  admission: Admission
  /** The instances that the page may end. Only in `dev`. */
  instances?: readonly ShownInstance[] | undefined
}

/** What the page sends to end an instance, as JSON. */
export interface Kill {
  instance: string
  token: string
}

/** A request of the page has this header: the number of the call that it belongs to, or 0. */
export const PAGE_HEADER = 'mcp-anywhere-page'

/** The response to such a request has this header: the name of the instance that answered it. */
export const INSTANCE_HEADER = 'mcp-anywhere-instance'
