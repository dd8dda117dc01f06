/**
 * AWS Lambda with response streaming: a Function URL (`RESPONSE_STREAM`) or API Gateway REST (`STREAM`). For API
 * Gateway HTTP APIs and load balancers there is lambda-buffered.ts.
 */
import { serveStreaming } from '../lib/platform/lambda/serve-streaming.ts'
import { server } from './server.ts'

export const handler = await serveStreaming(server)
