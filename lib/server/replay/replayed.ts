/** Which calls are replayed, for development: those that may be run again at any moment. */
import { warning } from '../../base/errors.ts'
import type { JsonObject, Result } from '../../protocol/jsonrpc.ts'
import { features } from '../../protocol/revisions.ts'
import type { ClientChannel } from '../context/client-channel.ts'
import { type Dispatcher, durabilityOf } from '../dispatcher.ts'
import { ReplayedCall } from './call.ts'

interface ReplayOptions {
  replay: 'always' | 'strict'
  /** The calls that may be run again: see `session.suspend`. */
  suspend: 'durable' | 'all'
  report(error: Error): void
}

/** How long a replay may take, in ms. */
const PATIENCE = 5_000

/** Dispatches a request, and replays its handler. */
export function dispatchReplayed(
  dispatcher: Dispatcher,
  { replay, suspend, report }: ReplayOptions,
  method: string,
  params: JsonObject | undefined,
  channel: ClientChannel,
): Result | Promise<Result> {
  const row = dispatcher.methods.get(method)
  if (row?.asks !== 'everywhere') return dispatcher.dispatch(method, params, channel)
  const isDurable =
    durabilityOf(dispatcher, { method, ...(params && { params }) }, { suspendAfter: 1, suspend }) === 'durable'
  // In the stateless revision handlers of this package are run again with each answer, whatever their tool says.
  const isRunAgain = !features(channel.revision).sessions && dispatcher.waits !== true
  if (!isDurable && !isRunAgain) return dispatcher.dispatch(method, params, channel)
  const parts = {
    dispatch: (own: ClientChannel) => dispatcher.dispatch(method, params, own),
    name: `${row.about ?? method} ${JSON.stringify(params?.name ?? params?.uri)}`,
    mode: isDurable ? ('replay' as const) : ('compare' as const),
    compareResults: dispatcher.policyOf(method, params).durable === true,
    seesPending: dispatcher.waits !== true,
    patience: PATIENCE,
    strict: replay === 'strict',
    report: (text: string) => report(warning(text)),
  }
  return new ReplayedCall(parts, channel).run()
}
