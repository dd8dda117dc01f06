import { OnDemand, operationsOf } from '../../base/on-demand.ts'

const ORPHANS = new OnDemand(() =>
  import('./orphans.ts').then(({ endOrphan, endOrphans }) => ({ endOrphan, endOrphans })),
)

/** As those of orphans.ts: few sessions have calls that no instance runs any longer. */
export const { endOrphan, endOrphans } = operationsOf(ORPHANS, { endOrphan: true, endOrphans: true })

const STATE = new OnDemand(() => import('./session-state.ts').then(({ changeSession }) => ({ changeSession })))

/** As that of session-state.ts. */
export const { changeSession } = operationsOf(STATE, { changeSession: true })

const INSPECT = new OnDemand(() => import('./inspect.ts').then(({ inspectCall }) => ({ inspectCall })))

/** As that of inspect.ts: operators ask rarely. */
export const { inspectCall } = operationsOf(INSPECT, { inspectCall: true })

const TASKS = new OnDemand(() => import('./task-methods.ts').then(({ serveTasks }) => ({ serveTasks })))

/** As that of task-methods.ts. */
export const { serveTasks } = operationsOf(TASKS, { serveTasks: true })

/** Asks of calls. */
export const ASKS = new OnDemand(async () => {
  const [{ Asks }, { expectCompletion }, { nameWaiting }] = await Promise.all([
    import('./asks.ts'),
    import('./completion.ts'),
    import('./waiting-tools.ts'),
  ])
  return { Asks, expectCompletion, nameWaiting }
})

const LATER = new OnDemand(async () => {
  const [{ abandon }, { beat }] = await Promise.all([import('./abandon.ts'), import('./heartbeat.ts')])
  return { abandon, beat }
})

/** As those of abandon.ts and heartbeat.ts: few calls take so long. */
export const { abandon, beat } = operationsOf(LATER, { abandon: true, beat: true })

/** Legs of durable calls: their first `ctx.once`, or their first ask. */
export const DURABLE = new OnDemand(() => import('./durable-run.ts').then(({ openLeg }) => ({ openLeg })))
