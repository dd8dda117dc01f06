/**
 * AWS Lambda behind a front door that takes an answer only as a whole: API Gateway HTTP APIs, API Gateway REST without
 * streaming, and load balancers. Clients get JSON; what needs a stream (progress, questions to the user in sessions,
 * notifications) is not offered, and calls end before the gateway gives up.
 */
import { createEndpoint } from '../lib/endpoint.ts'
import { readEnvironment } from './environment.ts'
import { bufferedHandler } from './lambda-handler.ts'
import { requestLog } from './log.ts'
import { server } from './server.ts'
import { openStore } from './store.ts'

const settings = readEnvironment({ HOST: '0.0.0.0', RESPONSE_LIMIT_SECONDS: '29', ...process.env })
for (const warning of settings.warnings) console.error(`WARNING: ${warning}`)
const store = await openStore(settings)
const { session } = settings.endpoint
const endpoint = createEndpoint(server, {
  store,
  ...settings.endpoint,
  streaming: false,
  session: { ...session, abandonBefore: 2_000 },
})

export const handler = bufferedHandler(endpoint, {
  log: requestLog(settings),
  responseLimit: session?.responseLimit,
})
