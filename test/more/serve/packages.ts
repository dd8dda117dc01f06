/** npm packages that were made for stdio, and how `mcp-anywhere serve` serves each. docs/serve.md has the same table. */

/** How a package is served without `--isolate`. */
export type Runs = 'one instance' | 'an instance for each session' | 'a process for each session'

interface Call {
  tool: string
  args?: Record<string, unknown>
  /** Matches the text of the result. */
  answer: RegExp
  /** The service behind it is not reached, or refuses the key: its tool says so. */
  fails?: boolean
}

export interface ServedPackage {
  /** As the table shows it: `sdk 1.30.0`. */
  sdk: string
  runs: Runs
  /** The reason in the log of the start. */
  why: RegExp
  env?: Record<string, string>
  /** @param folder a folder for its files */
  args?: (folder: string) => string[]
  call: Call
  /** The clients that it serves, by their names in `clients`; default: all. */
  serves?: readonly string[]
}

export const packages: Readonly<Record<string, ServedPackage>> = {}
