/** A program that speaks MCP on stdin and stdout. */
export interface Program {
  /** The program: an absolute path, or a name on PATH. */
  command: string
  args: readonly string[]
  /** The working folder of its processes: an absolute path. */
  cwd: string
  /** The whole environment of its processes. */
  env: Readonly<Record<string, string | undefined>>
}
