/** The times and bounds of tasks, in ms and bytes. */
import type { TaskTerms } from '../store/tasks.ts'

export const TERMS: TaskTerms = { lease: 30_000, backOff: [1_000, 5_000, 25_000], patience: 15_000 }
/** From one sign of a run to the next: two may be lost. */
export const renewEvery = ({ lease }: TaskTerms): number => lease / 3
/** How often a leg is run again whose run was lost, where the handler may run again. */
export const RETRIES = 3
/** From one status message to the next: what comes in between is not stored. */
export const MESSAGE_EVERY = 1_000
/** Characters of a status message. */
export const MAX_MESSAGE = 1_000
/** Characters of a result, as JSON. */
export const MAX_OUTCOME = 4 * 1024 * 1024
/** A run that takes longer opens the mailbox of its instance, and hears of a cancel at once. */
export const ATTEND_AFTER = 1_000
/** How long what is under way may take where the instance shuts down. */
export const LAST_STEPS = 1_000
/** Legs that run in one instance. */
export const MAX_LEGS = 1_000
/** Tasks of one principal that have not expired. */
export const MAX_TASKS = 1_000
