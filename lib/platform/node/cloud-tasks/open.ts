/** Cloud Tasks as the executor of a service: its queue, and the route for its requests. It is loaded where the settings name it. */
import type { Clock } from '../../../base/clock.ts'
import type { Endpoint } from '../../../endpoint.ts'
import type { ExecutorSettings } from '../../../settings-executors.ts'
import type { Executor, RunTask } from '../../../tasks/executor.ts'
import { arrivals } from './arrivals.ts'
import { proofsBy } from './proof.ts'
import { CloudTasksQueue } from './queue.ts'

export interface ServedExecutor {
  executor: Executor
  /** Adds the route to the endpoint that has this executor. */
  serve(endpoint: Pick<Endpoint, 'app'> & { runTask: RunTask }): void
}

/** The path of the requests. */
const LEGS = '/tasks/legs'
/** The longest that Cloud Tasks waits for a response, in ms. */
const LONGEST = 30 * 60_000

interface Parts {
  clock: Clock
  onError(error: unknown): void
  /** How long the platform lets a response take, in ms; 0: for ever. */
  responseLimit?: number | undefined
  /** The keys that all instances have. */
  keys?: readonly Uint8Array[] | undefined
  /** Other addresses than those of Google, for tests. */
  google?: { api: string; metadata: string; jwks: string } | undefined
}

/** @param settings with all variables of Cloud Tasks */
export function openCloudTasks(
  settings: ExecutorSettings,
  { clock, onError, responseLimit = 0, keys, google }: Parts,
): ServedExecutor {
  const { queue = '', url = '', account = '' } = settings
  const target = `${url.replace(/\/$/, '')}${LEGS}`
  const limit = Math.min(LONGEST, responseLimit === 0 ? LONGEST : responseLimit)
  const proofs = keys && proofsBy(keys)
  return {
    executor: new CloudTasksQueue({
      queue,
      target,
      account,
      limit,
      clock,
      proofs,
      api: google?.api,
      metadata: google?.metadata,
    }),
    serve({ app, runTask }) {
      const answer = arrivals({ target, account, limit, clock, onError, proofs, jwks: google?.jwks }, runTask)
      app.post(LEGS, (c) => answer(c.req.raw))
    },
  }
}
