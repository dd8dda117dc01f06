/** Dispatchers that work together with those of other instances. */
import type { Dispatcher } from '../server/dispatcher.ts'
import type { Instance } from './instance.ts'

export interface MemberDispatcher extends Dispatcher {
  /** Gives it the instance that it belongs to, before it is opened. */
  join(instance: Instance): void
}

export function isMember(dispatcher: Dispatcher): dispatcher is MemberDispatcher {
  return 'join' in dispatcher
}
