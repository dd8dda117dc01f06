/**
 * AWS Lambda with response streaming: a Function URL (`RESPONSE_STREAM`) or API Gateway REST (`STREAM`). For API
 * Gateway HTTP APIs and load balancers there is lambda-buffered.ts.
 */
import { createEndpoint } from '../lib/endpoint.ts'
import { readEnvironment } from './environment.ts'
import { streamingHandler } from './lambda-handler.ts'
import { requestLog } from './log.ts'
import { server } from './server.ts'
import { openStore } from './store.ts'

// Which names reach it is the gateway's business, and a held GET would occupy an environment for as long as it is open.
const settings = readEnvironment({ HOST: '0.0.0.0', GET_POLICY: 'poll', ...process.env })
for (const warning of settings.warnings) console.error(`WARNING: ${warning}`)
const store = await openStore(settings)
const endpoint = createEndpoint(server, { store, ...settings.endpoint })

export const handler = streamingHandler(endpoint, { log: requestLog(settings) })
