import { OnDemand } from '../../base/on-demand.ts'

/** The asks of handlers, and their answers as the official SDK has them: most calls ask nothing. */
export const ASKING = new OnDemand(() =>
  import('./asking.ts').then(({ Asking, answerOf, parsedBy }) => ({ Asking, answerOf, parsedBy })),
)
