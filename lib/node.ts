/** `mcp-anywhere/node`: a process that listens by itself. */

export { listen } from './platform/node/listen.ts'
