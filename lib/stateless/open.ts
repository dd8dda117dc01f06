/** Puts the parts of the stateless revision together. They are loaded with its first request. */
import { WALL_TOLERANCE } from '../base/clock.ts'
import type { Sealer } from '../base/sealing.ts'
import type { Instance } from '../runtime/instance.ts'
import type { Dispatcher } from '../server/dispatcher.ts'
import type { StatelessOptions } from '../settings.ts'
import type { StatelessHost } from './call.ts'
import { Stateless } from './post.ts'
import { StateBox } from './request-state.ts'

/** @param sealer seals what clients keep: request states */
export async function openStateless(
  dispatcher: Dispatcher,
  instance: Instance,
  shared: Pick<StatelessHost, 'store' | 'announce' | 'dispatch' | 'clock' | 'afterwork' | 'maxAsks' | 'tasks'>,
  sealer: Sealer,
  options: StatelessOptions,
): Promise<Stateless> {
  const { clock, retry } = instance
  const states = new StateBox(sealer, clock, options)
  // Longer than any request state lives that could repeat the work.
  const singleLifetime = options.callLifetime + options.stateLifetime + 2 * WALL_TOLERANCE
  // Servers whose handlers must not run again.
  const parking =
    dispatcher.waits && options.park > 0
      ? new (await import('./parking/parking.ts')).Parking(instance, options, shared.maxAsks)
      : undefined
  const host: StatelessHost = {
    ...shared,
    clock,
    retry,
    methods: dispatcher.methods,
    states,
    singleLifetime,
    parking,
    versionOf: ({ method, params }) => dispatcher.policyOf(method, params).version,
    report: (error) => instance.report(error),
  }
  return new Stateless(dispatcher, instance, host, options)
}
