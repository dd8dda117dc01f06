/** `mcp-anywhere/lambda`: the handlers of AWS Lambda, for gateways that stream and for those that do not. */

export { serveBuffered } from './platform/lambda/buffered.ts'
export type { HttpEvent } from './platform/lambda/event.ts'
export { serveStreaming } from './platform/lambda/stream.ts'
