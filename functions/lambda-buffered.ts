/**
 * AWS Lambda behind a gateway that takes a response only as a whole: API Gateway HTTP APIs, API Gateway REST without
 * streaming, and load balancers. Clients get JSON; features that need a stream (progress, asks in sessions,
 * notifications) are not offered, and calls end before the time limit of the gateway.
 */
import { serveBuffered } from '../lib/platform/lambda/serve-buffered.ts'
import { server } from './server.ts'

export const handler = await serveBuffered(server)
