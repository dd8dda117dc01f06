/** The start of an execution environment: its settings, its store and its endpoint. */
import type { EndpointOptions } from '../../endpoint.ts'
import type { McpServer } from '../../server/mcp-server.ts'
import { endpointOrStop } from '../endpoint.ts'
import { type Environment, readEnvironment } from '../environment.ts'
import { openLog } from '../log.ts'
import { openStore } from '../store.ts'

/**
 * @param defaults variables that the environment may set otherwise
 * @param options options for which there is no choice on this platform
 */
export async function startEndpoint(server: McpServer, defaults: Environment, options: EndpointOptions = {}) {
  // The gateway decides which host names reach the function.
  const settings = readEnvironment({ HOST: '0.0.0.0', ...defaults, ...process.env })
  const log = openLog({ requests: settings.log })
  for (const warning of [...settings.warnings, ...server.warnings]) log.say('WARNING', warning)
  const session = { ...settings.endpoint.session, ...options.session }
  const store = await openStore(settings, log.error)
  const endpoint = endpointOrStop(server, { store, onError: log.error, ...settings.endpoint, ...options, session })
  return { endpoint, settings, log }
}
