import { OnDemand } from '../../base/on-demand.ts'

/** Calls that no instance runs any longer: few sessions have one. */
export const ORPHANS = new OnDemand(() => import('./orphans.ts'))
