import { OnDemand } from '../../base/on-demand.ts'

/** The methods beside `tools/call`, and what explains a result that is not valid: a first call of a tool needs none of it. */
export const MORE = new OnDemand(() =>
  import('./more.ts').then(({ HANDLERS, toolResultFault }) => ({ ...HANDLERS, toolResultFault })),
)

/** For tools that have a time limit, or one for their results. */
export const LIMITS = new OnDemand(() => import('./limits.ts').then(({ withinLimits }) => withinLimits))

/** For servers that have middleware. */
export const MIDDLEWARE = new OnDemand(() => import('./middleware.ts').then(({ runThrough }) => runThrough))
