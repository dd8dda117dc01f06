/** npm packages that were made for stdio, and how `mcp-anywhere serve` serves each. docs/serve.md has the same table. */

/** How a package is served without `--isolate`. */
export type Runs = 'one instance' | 'an instance for each session' | 'a process for each session'

export interface Call {
  tool: string
  args?: Record<string, unknown>
  /** Matches the text of the result. Undefined: a service behind it is not reached or refuses the key, in words of its own. */
  answer?: RegExp
}

export interface ServedPackage {
  /** The SDK that its start finds, as the table shows it. `inside`: bundled with it. */
  sdk: string
  runs: Runs
  /** The reason in the log of the start. */
  why: RegExp
  env?: Record<string, string>
  /** @param folder a folder for its files */
  args?: (folder: string) => string[]
  call: Call
}

const NOTHING_BOUND = /nothing in it is bound to a client/
const INITIALIZED = /sets oninitialized/
const BUNDLED = /the hook sees no server of it/

export const packages: Readonly<Record<string, ServedPackage>> = {
  '@brave/brave-search-mcp-server': {
    sdk: 'sdk 1.30.0',
    runs: 'one instance',
    why: NOTHING_BOUND,
    env: { BRAVE_API_KEY: 'none' },
    call: { tool: 'brave_web_search', args: { query: 'mcp' } },
  },
  '@circleci/mcp-server-circleci': {
    sdk: 'sdk 1.30.0',
    runs: 'one instance',
    why: NOTHING_BOUND,
    env: { CIRCLECI_TOKEN: 'none' },
    call: { tool: 'list_followed_projects', args: { params: {} } },
  },
  '@eslint/mcp': {
    sdk: 'sdk 1.30.0',
    runs: 'one instance',
    why: NOTHING_BOUND,
    call: {
      tool: 'lint-files',
      args: { filePaths: ['/nowhere/index.js'] },
      answer: /No files matching/,
    },
  },
  '@modelcontextprotocol/server-everything': {
    sdk: 'sdk 1.30.0',
    runs: 'a process for each session',
    why: INITIALIZED,
    call: { tool: 'echo', args: { message: 'hello' }, answer: /^Echo: hello$/ },
  },
  '@modelcontextprotocol/server-filesystem': {
    sdk: 'sdk 1.30.0',
    runs: 'a process for each session',
    why: INITIALIZED,
    args: (folder) => [folder],
    call: { tool: 'list_allowed_directories', answer: /^Allowed directories:\n\S+mcp-anywhere-serve-/ },
  },
  '@modelcontextprotocol/server-github': {
    sdk: 'sdk 1.0.1',
    runs: 'one instance',
    why: NOTHING_BOUND,
    env: { GITHUB_PERSONAL_ACCESS_TOKEN: 'none' },
    call: { tool: 'search_repositories', args: { query: 'mcp' } },
  },
  '@modelcontextprotocol/server-memory': {
    sdk: 'sdk 1.30.0',
    runs: 'one instance',
    why: NOTHING_BOUND,
    call: { tool: 'search_nodes', args: { query: 'nobody' }, answer: /"entities": \[\]/ },
  },
  '@modelcontextprotocol/server-sequential-thinking': {
    sdk: 'sdk 1.30.0',
    runs: 'one instance',
    why: NOTHING_BOUND,
    call: {
      tool: 'sequentialthinking',
      args: { thought: 'one', thoughtNumber: 1, totalThoughts: 1, nextThoughtNeeded: false },
      answer: /"thoughtHistoryLength": \d/,
    },
  },
  '@notionhq/notion-mcp-server': {
    sdk: 'inside',
    runs: 'a process for each session',
    why: BUNDLED,
    env: { NOTION_TOKEN: 'ntn_none' },
    call: { tool: 'API-get-self' },
  },
  '@playwright/mcp': {
    sdk: 'inside',
    runs: 'a process for each session',
    why: BUNDLED,
    call: { tool: 'browser_close' },
  },
  '@supabase/mcp-server-supabase': {
    sdk: 'server 2.4.0',
    runs: 'an instance for each session',
    why: INITIALIZED,
    env: { SUPABASE_ACCESS_TOKEN: `sbp_${'0'.repeat(40)}` },
    // The tool that searches the documents asks the service how it does so, for the list.
    args: () => ['--features=account,debugging'],
    call: { tool: 'list_organizations' },
  },
  '@upstash/context7-mcp': {
    sdk: 'server 2.0.0',
    runs: 'a process for each session',
    why: /its transport is one of its own around stdio/,
    call: { tool: 'resolve-library-id', args: { libraryName: 'zod', query: 'objects' } },
  },
  'chrome-devtools-mcp': {
    sdk: 'inside',
    runs: 'a process for each session',
    why: BUNDLED,
    args: () => ['--executablePath=/nowhere/chrome'],
    call: { tool: 'list_pages' },
  },
  'exa-mcp-server': {
    sdk: 'inside',
    runs: 'a process for each session',
    why: BUNDLED,
    env: { EXA_API_KEY: 'none' },
    call: { tool: 'web_search_exa', args: { query: 'mcp' } },
  },
  'figma-developer-mcp': {
    sdk: 'sdk 1.29.0',
    runs: 'one instance',
    why: NOTHING_BOUND,
    env: { FIGMA_API_KEY: 'none', FRAMELINK_TELEMETRY: 'off' },
    args: () => ['--stdio'],
    call: { tool: 'get_figma_data', args: { fileKey: 'none' } },
  },
  'firecrawl-mcp': {
    sdk: 'sdk 1.30.0',
    runs: 'one instance',
    why: NOTHING_BOUND,
    env: { FIRECRAWL_API_KEY: 'fc-none' },
    call: { tool: 'firecrawl_scrape', args: { url: 'http://127.0.0.1:9/' } },
  },
  'tavily-mcp': {
    sdk: 'sdk 1.26.0',
    runs: 'one instance',
    why: NOTHING_BOUND,
    env: { TAVILY_API_KEY: 'none' },
    call: { tool: 'tavily_search', args: { query: 'mcp' } },
  },
}
