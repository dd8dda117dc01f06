/** How a client is connected to an endpoint: what the page shows and `mcp-anywhere connect` prints. */

/** How a client gets into the endpoint. */
export type Admission =
  /** Everybody gets in. */
  | 'open'
  /** With a token that the person has: the endpoint names no authorization server. */
  | 'token'
  /** With a token that the client fetches itself: the endpoint names its authorization server (RFC 9728). */
  | 'oauth'

/** The endpoint that clients are connected to. */
export interface Address {
  /** Absolute: `https://host/mcp`, or `http:` on this machine. */
  url: string
  /** The server's name: any text, since its author chose it. */
  name: string
  admission: Admission
}

export type ClientId =
  | 'claude-code'
  | 'claude'
  | 'chatgpt'
  | 'cursor'
  | 'vscode'
  | 'gemini-cli'
  | 'goose'
  | 'librechat'
  | 'mcp-remote'
  | 'curl'

type Language = 'shell' | 'json' | 'yaml' | 'text'

/** Text to copy. */
export interface Code {
  language: Language
  text: string
  /** The file that it belongs in, as people write it: `~/.gemini/settings.json`. */
  file?: string | undefined
}

export interface Step {
  /** A sentence, plain text. */
  text: string
  code?: Code | undefined
}

/** A link that opens the client and adds the server. It never has a token. */
interface DeepLink {
  /** Words for the link: `Add to Cursor`. */
  text: string
  href: string
}

export interface Connection {
  client: ClientId
  /** The client's name: `VS Code`. */
  title: string
  /** In this order. A client with a link has them, too: they are the way without it. */
  steps: readonly Step[]
  link?: DeepLink | undefined
  /** Sentences, plain text. */
  notes: readonly string[]
  /** Why this client cannot reach this address, with the cure: sentences. The steps begin with the cure where there is one. */
  obstacle?: string | undefined
}
