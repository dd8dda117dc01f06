/** Why a call failed, for the listeners of its event: beside the result or the error that says so to the client. */
import { type CallFault, callsAreHeard } from '../../base/events.ts'

interface Fault {
  fault: CallFault
  /** What the handler threw. */
  error?: Error | undefined
}

const faults = new WeakMap<object, Fault>()

/** Notes why `reply` is an error, where somebody listens. Returns it. */
export function withFault<T extends object>(reply: T, fault: CallFault, error?: Error): T {
  if (callsAreHeard()) faults.set(reply, { fault, error })
  return reply
}

/** What was noted of a result or of a thrown error. */
export function faultOf(reply: object): Fault | undefined {
  return faults.get(reply)
}
