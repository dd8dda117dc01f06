/** `mcp-anywhere/stdio`: a server for a local host, by lines on stdin and stdout. */

export { type StdioOptions, serveStdio } from './stdio/serve.ts'
