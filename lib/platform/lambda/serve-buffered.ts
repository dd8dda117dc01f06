/** The handler of gateways that take a response as a whole: API Gateway HTTP APIs, REST without streaming, load balancers. */
import type { Servable } from '../../sdk/official.ts'
import type { EntryOptions } from '../store.ts'
import { bufferedHandler } from './buffered.ts'
import type { HttpEvent } from './event.ts'
import type { LambdaHandler } from './handler.ts'
import { startEndpoint } from './start.ts'

/** Serves `server` with the settings of the environment, for gateways that do not stream. A wrong setting ends the process. */
export async function serveBuffered(server: Servable, entry?: EntryOptions): Promise<LambdaHandler> {
  // API Gateway waits 29 s.
  const { endpoint, settings, ownEvents, ending } = await startEndpoint(
    server,
    { RESPONSE_LIMIT_SECONDS: '29' },
    entry,
    {
      streaming: false,
      session: { abandonBefore: 2_000 },
    },
  )
  const handler = bufferedHandler(endpoint, {
    responseLimit: settings.endpoint.session?.responseLimit,
    ending,
    ownEvents,
  })
  return (event, context) => handler(event as HttpEvent, context)
}
