/** `mcp-anywhere/lambda`: the handlers of AWS Lambda, for gateways that stream and for those that do not. */

export type { InvocationContext, LambdaHandler } from './platform/lambda/handler.ts'
export { serveBuffered } from './platform/lambda/serve-buffered.ts'
export { serveStreaming } from './platform/lambda/serve-streaming.ts'
