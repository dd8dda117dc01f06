import { stackOf } from '../base/errors.ts'
import { createEndpoint, type Endpoint, type EndpointOptions } from '../endpoint.ts'
import type { Servable } from '../sdk/official.ts'
import type { Log } from './log.ts'

/** `createEndpoint` for a process: a server or an option that cannot work stops the start with one line. */
export function endpointOrStop(server: Servable, options: EndpointOptions): Endpoint {
  try {
    return createEndpoint(server, options)
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    console.error(error.message)
    process.exit(1)
  }
}

/** Waits until the server is ready, and logs what an operator should know of it. One that cannot be served stops the start. */
export async function readyOrStop(server: Servable, endpoint: Endpoint, log: Log): Promise<void> {
  try {
    for (const note of await endpoint.ready()) log.say('INFO', note)
  } catch (error) {
    console.error(error instanceof TypeError ? error.message : stackOf(error))
    process.exit(1)
  }
  for (const warning of 'warnings' in server ? server.warnings : []) log.say('WARNING', warning)
}
