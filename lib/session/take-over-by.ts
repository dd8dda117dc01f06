import type { Caller } from '../runtime/caller.ts'
import type { CallHost } from './call/host.ts'
import type { TakeOver } from './stream/connection.ts'

/** Makes the function by which connections of `caller` take calls over, which few ever do. */
export function takeOverBy(host: CallHost, caller: Caller): TakeOver {
  return (connection, stream, owner) => {
    void import('./takeover.ts').then(
      ({ takeOver }) => takeOver(host, caller, connection, stream, owner),
      (error) => host.instance.report(error),
    )
  }
}
