/** The settings of a project, which the commands of `mcp-anywhere` read. */
import type { OfficialOptions } from './sdk/options.ts'

/** The default export of `mcp.config.ts`, or the member "mcp-anywhere" of package.json. */
export interface McpConfig {
  /** The file that exports the server, relative to the file of the setting: `src/server.ts`. */
  server?: string | undefined
  /** What `mcp-anywhere serve` serves where its command line names nothing. */
  serve?: ServeConfig | undefined
}

/** A program that speaks MCP on stdin and stdout, and how it is served. The command line comes before it. */
export interface ServeConfig extends OfficialOptions {
  /** The name of an installed package, or a file relative to the working folder. */
  package: string
  /** Its arguments. */
  args?: readonly string[] | undefined
  /** Which of the programs of the package. Default: the one that has the package's name. */
  bin?: string | undefined
  /** Its variables, beside those of the environment that are no settings of the endpoint. */
  env?: Readonly<Record<string, string>> | undefined
  /**
   * `session`: a process for each session. `none`: from the process of the endpoint. Default: that of the endpoint, and a process
   * for each session where the program keeps the state of one client, or cannot be captured.
   */
  isolate?: 'session' | 'none' | undefined
  /** Everybody who reaches an address that is not loopback may call, without authorization. Default: false. */
  open?: boolean | undefined
  /** How long the program may take until it connects, in seconds. Default: 60. */
  wait?: number | undefined
}
