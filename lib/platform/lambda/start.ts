/** The start of an execution environment: its settings, its store and its endpoint. */
import type { EndpointOptions } from '../../endpoint.ts'
import type { Servable } from '../../sdk/official.ts'
import { endpointOrStop, readyOrStop } from '../endpoint.ts'
import { type Environment, readEnvironment } from '../environment.ts'
import { logRejections } from '../faults.ts'
import { openLog } from '../log.ts'
import { type EntryOptions, openStore } from '../store.ts'

/** The listeners that Lambda's runtime has when this module is loaded, which is before the server of the author. */
const ofRuntime = process.listeners('unhandledRejection')

/**
 * The runtime's own listener ends the environment, and with it what it still has to write for other calls. The listeners of
 * an author stay, and then those of the runtime too. An exception that nobody catches is left to the platform: it logs
 * it, answers the invocation with an error and starts another environment, and other instances take the calls over.
 */
function keepEnvironment(report: (text: string) => void): void {
  if (process.env.AWS_LAMBDA_RUNTIME_API === undefined) return
  if (process.listenerCount('unhandledRejection') > ofRuntime.length) return
  for (const listener of ofRuntime) process.off('unhandledRejection', listener)
  logRejections(report)
}

/**
 * @param defaults variables that the environment may set otherwise
 * @param entry what the author's entry gives
 * @param options options for which there is no choice on this platform
 */
export async function startEndpoint(
  server: Servable,
  defaults: Environment,
  entry: EntryOptions = {},
  options: EndpointOptions = {},
) {
  // The gateway decides which host names reach the function.
  const settings = readEnvironment({ HOST: '0.0.0.0', ...defaults, ...process.env })
  const log = openLog({ requests: settings.log })
  const namespace = settings.metricsNamespace
  const metrics = namespace === undefined ? undefined : (await import('./metrics.ts')).openMetrics(namespace)
  for (const warning of settings.warnings) log.say('WARNING', warning)
  const session = { ...settings.endpoint.session, ...options.session }
  // An environment sleeps after its response: nothing waits in it.
  const stateless = { ...settings.endpoint.stateless, park: 0 }
  const store = await openStore(settings, log, entry)
  const ownEvents = process.env.TASK_EXECUTOR ? (await import('./tasks/open.ts')).openOwnEvents() : undefined
  const page = settings.page ? (await import('../../page/routes.ts')).page : undefined
  const endpoint = endpointOrStop(server, {
    store,
    onError: log.error,
    page,
    ...settings.endpoint,
    ...options,
    session,
    stateless,
    executor: ownEvents,
  })
  ownEvents?.serve(endpoint.runTask)
  await readyOrStop(server, endpoint, log)
  keepEnvironment((text) => log.say('ERROR', text))
  return { endpoint, settings, log, ownEvents, ending: metrics?.flush }
}
