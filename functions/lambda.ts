/**
 * AWS Lambda with response streaming: a Function URL (`RESPONSE_STREAM`) or API Gateway REST (`STREAM`). For API
 * Gateway HTTP APIs and load balancers there is lambda-buffered.ts.
 */
import { createEndpoint } from '../lib/endpoint.ts'
import { readEnvironment } from '../lib/platform/environment.ts'
import { streamingHandler } from '../lib/platform/lambda/handler.ts'
import { requestLog } from '../lib/platform/log.ts'
import { openStore } from '../lib/platform/store.ts'
import { server } from './server.ts'

// Which names reach it is the gateway's business, and a held GET would occupy an environment for as long as it is open.
const settings = readEnvironment({ HOST: '0.0.0.0', GET_POLICY: 'poll', ...process.env })
for (const warning of settings.warnings) console.error(`WARNING: ${warning}`)
const store = await openStore(settings)
const endpoint = createEndpoint(server, { store, ...settings.endpoint })

export const handler = streamingHandler(endpoint, { log: requestLog(settings) })
