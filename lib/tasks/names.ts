/** The names of tasks: for clients, in the store, and in what wakes a leg. */
import { digest, randomId } from '../base/ids.ts'
import type { TaskKey } from '../store/tasks.ts'

/** 144 random bits. */
export function newTaskId(): string {
  return randomId(18)
}

/** The record of a task of the stateless revision: a foreign id finds nothing, whoever has it. */
export function keyOf(principal: string, taskId: string): TaskKey {
  return { scope: digest(`${principal}\n${taskId}`, 16), id: 'task' }
}

/** A record's name outside the store. */
export function nameOf({ scope, id, inSession }: TaskKey): string {
  return `${scope}.${id}${inSession ? '~' : ''}`
}

/** Undefined for a text that is no name of a record. */
export function readName(name: string): TaskKey | undefined {
  const [, scope, id, inSession] = /^([\w-]+)\.([\w-]+)(~?)$/.exec(name) ?? []
  if (scope === undefined || id === undefined) return undefined
  return inSession === '~' ? { scope, id, inSession: true } : { scope, id }
}

/** The digest under which the journal has a key of an ask, or a name of a `ctx.once`. */
export function entryOf(name: string): string {
  return digest(name, 12)
}
