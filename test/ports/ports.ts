/** The public servers that are moved to this package: how each is started. */

export interface Port {
  /** The npm package; `test/more/ports/package.json` has its version. */
  package: string
  /** The program, from the root of the package. */
  program: string
  /** Arguments with which the server of the package speaks stdio. */
  stdio: readonly string[]
  /** Arguments with which the moved server listens on `port`. Without them it takes the variable PORT. */
  http?: (port: number) => readonly string[]
  /** What keeps the published server from starting, and its cure. The diff does not need it. */
  mend?: { file: string; from: RegExp; to: string }
}

export const ports = {
  memory: { package: '@modelcontextprotocol/server-memory', program: 'dist/index.js', stdio: [] },
  'sequential-thinking': {
    package: '@modelcontextprotocol/server-sequential-thinking',
    program: 'dist/index.js',
    stdio: [],
  },
  everything: { package: '@modelcontextprotocol/server-everything', program: 'dist/index.js', stdio: ['stdio'] },
  context7: {
    package: '@upstash/context7-mcp',
    program: 'dist/index.js',
    stdio: [],
    http: (port) => ['--transport', 'http', '--port', String(port)],
  },
  heroku: {
    package: '@heroku/mcp-server',
    program: 'bin/heroku-mcp-server.mjs',
    stdio: [],
    // Node finds no module of the SDK without its ending.
    mend: { file: 'dist/index.js', from: /(sdk\/server\/(?:mcp|stdio))'/g, to: "$1.js'" },
  },
  'brave-search': {
    package: '@brave/brave-search-mcp-server',
    program: 'dist/index.js',
    stdio: [],
    http: (port) => ['--transport', 'http', '--port', String(port)],
  },
} satisfies Record<string, Port>

export type PortName = keyof typeof ports
