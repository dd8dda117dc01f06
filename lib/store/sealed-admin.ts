/** The part of a sealed store that operators use. What does not open is listed without what it says. */
import type { AdminStore } from './admin.ts'

type Seal = (text: string, kind: 'record' | 'instance' | 'task', ...place: string[]) => string
type Open = (text: string | undefined, kind: 'record' | 'instance' | 'task', ...place: string[]) => string | undefined

/** @param seal, open those of the sealed store */
export function sealedAdmin(store: AdminStore, seal: Seal, open: Open): AdminStore {
  return {
    ...store,
    report: (instance, facts, lifetime) => store.report(instance, seal(facts, 'instance', instance), lifetime),
    instances: async () =>
      (await store.instances()).map((one) => ({ ...one, facts: open(one.facts, 'instance', one.id) })),
    describe: async (keys) =>
      (await store.describe(keys)).map((one) => one && { ...one, record: open(one.record, 'record', one.key) }),
    describeTasks: async (keys) =>
      (await store.describeTasks(keys)).map(
        (one) => one && { ...one, request: open(one.request, 'task', one.key.scope, one.key.id, 'request') },
      ),
  }
}
