import { OnDemand } from '../base/on-demand.ts'

/** The reader of bodies that a framework has parsed: other deployments have none. */
export const PARSED = new OnDemand(() => import('./parsed-body.ts').then(({ readParsed }) => ({ readParsed })))
