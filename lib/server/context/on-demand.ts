import { OnDemand } from '../../base/on-demand.ts'

/** The asks of handlers, and their answers as the official SDK has them: most calls ask nothing. */
export const ASKING = new OnDemand(() =>
  import('./asking.ts').then(({ Asking, answerOf, parsedBy }) => ({ Asking, answerOf, parsedBy })),
)

/** Resolves once the first asks are sent: a handler need not wait for their answers, and its call must not end before. */
export const asksSent = (): Promise<void> | undefined => (ASKING.isLoading ? ASKING.idle() : undefined)
