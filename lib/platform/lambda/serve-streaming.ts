/** The handler of gateways that stream: a Function URL (`RESPONSE_STREAM`) and API Gateway REST (`STREAM`). */
import type { Servable } from '../../sdk/official.ts'
import type { EntryOptions } from '../store.ts'
import type { LambdaHandler } from './handler.ts'
import { startEndpoint } from './start.ts'
import { streamingHandler } from './stream.ts'

/** Serves `server` with the settings of the environment, for gateways that stream. A wrong setting ends the process. */
export async function serveStreaming(server: Servable, entry?: EntryOptions): Promise<LambdaHandler> {
  // A held GET would occupy an environment for as long as it is open, and so would a call that waits for a person.
  const defaults = { GET_POLICY: 'poll', SUSPEND_AFTER_SECONDS: '20' }
  const { endpoint, ownEvents, ending } = await startEndpoint(server, defaults, entry)
  // Lambda's wrapper calls it with the stream of the response, and gives the function that Lambda calls.
  return streamingHandler(endpoint, { ending, ownEvents }) as unknown as LambdaHandler
}
