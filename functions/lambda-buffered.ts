/**
 * AWS Lambda behind a front door that takes an answer only as a whole: API Gateway HTTP APIs, API Gateway REST without
 * streaming, and load balancers. Clients get JSON; what needs a stream (progress, questions to the user in sessions,
 * notifications) is not offered, and calls end before the gateway gives up.
 */
import { createEndpoint } from '../lib/endpoint.ts'
import { readEnvironment } from '../lib/platform/environment.ts'
import { bufferedHandler } from '../lib/platform/lambda/handler.ts'
import { requestLog } from '../lib/platform/log.ts'
import { openStore } from '../lib/platform/store.ts'
import { server } from './server.ts'

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
