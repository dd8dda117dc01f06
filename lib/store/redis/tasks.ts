/** Tasks in Redis: each operation is one script on one slot. */
import type { Offer, TaskKey, TaskStore, TaskTerms } from '../tasks.ts'
import type { Commands } from './commands.ts'
import * as scripts from './scripts/tasks.ts'

export function taskOperations(commands: Commands): TaskStore {
  const placeOf = ({ scope, id, inSession = false }: TaskKey) => ({ key: scope, id, inSession })
  const termsOf = ({ lease, patience, backOff }: TaskTerms) => ({ lease, patience, backOff: backOff.map(String) })
  const offerOf = (offer: Offer | undefined) => ({
    owner: typeof offer === 'object' ? offer.owner : '',
    leg: typeof offer === 'object' ? (offer.leg ?? 0) : 0,
    enqueues: offer === 'enqueue',
  })

  return {
    create(key, { owner = '', request, ttl, poll, retries, answers = [], results = [] }, { lease, patience }) {
      const kept = [request, ...answers.map(({ value }) => value), ...results.map(({ value }) => value)]
      return commands.script(scripts.createTask, {
        ...placeOf(key),
        ...{ owner, request, ttl, poll, retries, lease, patience },
        bytes: kept.reduce((sum, text) => sum + text.length, 0),
        askKeys: answers.map((answer) => answer.key),
        askDigests: answers.map(({ ask }) => ask),
        askValues: answers.map(({ value }) => value),
        names: results.map(({ name }) => name),
        results: results.map(({ value }) => value),
      })
    },

    get: (key, terms, offer) =>
      commands.script(scripts.getTask, { ...placeOf(key), ...termsOf(terms), ...offerOf(offer) }),

    update: (key, answers, terms, offer) =>
      commands.script(scripts.updateTask, {
        ...placeOf(key),
        ...termsOf(terms),
        ...offerOf(offer),
        names: [...answers.keys()],
        values: [...answers.values()],
      }),

    renew: (key, { owner, message, once }, { lease }) =>
      commands.script(scripts.renewTask, {
        ...placeOf(key),
        ...{ owner, lease, message: message ?? '', hasMessage: message !== undefined },
        ...{ step: once?.step ?? '', name: once?.name ?? '', value: once?.step === 'end' ? once.value : '' },
      }),

    end(key, owner, end, { backOff, patience }) {
      const asks = end.kind === 'input' ? end.asks : []
      const done = end.kind === 'completed' || end.kind === 'failed' ? end : undefined
      return commands.script(scripts.endTask, {
        ...placeOf(key),
        ...{ owner, patience, backOff: backOff.map(String), kind: end.kind },
        ...{ outcome: done?.outcome ?? '', message: done?.message ?? '', hasMessage: done?.message !== undefined },
        counts: end.kind === 'released' && end.counts,
        enqueues: end.kind === 'released' && end.enqueue,
        askKeys: asks.map((ask) => ask.key),
        askDigests: asks.map(({ ask }) => ask),
        requests: asks.map(({ request }) => request),
      })
    },

    cancel: (key) => commands.script(scripts.cancelTask, placeOf(key)),

    watch: (key, watcher, lifetime) => commands.script(scripts.watchTask, { ...placeOf(key), watcher, lifetime }),

    list: (scope) => commands.script(scripts.listTasks, { key: scope }),
  }
}
