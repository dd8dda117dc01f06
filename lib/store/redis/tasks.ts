/** Tasks in Redis. */
import { randomId } from '../../base/ids.ts'
import {
  type Offer,
  TASK_BYTES,
  TASK_ENTRIES,
  TASK_SLACK,
  type TaskKey,
  type TaskStore,
  type TaskTerms,
} from '../tasks.ts'
import type { Commands } from './commands.ts'
import { dropTask, leftTasks, listTasks, watchTask } from './scripts/session-tasks.ts'
import * as scripts from './scripts/tasks.ts'

const placeOf = ({ scope, id, inSession }: TaskKey) => ({ key: scope, id, bound: inSession === true })

const termsOf = ({ lease, patience, backOff }: TaskTerms) => ({ lease, patience, backOff: backOff.map(String) })

function offerOf(offer: Offer | undefined) {
  if (offer === undefined) return { owner: '', kind: '', leg: 0 }
  return offer === 'enqueue'
    ? { owner: '', kind: offer, leg: 0 }
    : { owner: offer.owner, kind: 'claim', leg: offer.leg ?? 0 }
}

export function taskOperations(commands: Commands): TaskStore {
  const tasks: TaskStore = {
    create(key, { owner = '', request, ttl, poll, retries, answers = [], results = [] }, terms) {
      return commands.script(scripts.createTask, {
        ...placeOf(key),
        ...termsOf(terms),
        ...{ owner, request, ttl, poll, max: retries, slack2: TASK_SLACK },
        keyed: answers.map((one) => one.key),
        asked: answers.map((one) => one.ask),
        answered: answers.map((one) => one.value),
        named: results.map((one) => one.name),
        kept: results.map((one) => one.value),
      })
    },

    get: (key, terms, offer) =>
      commands.script(scripts.getTask, { ...placeOf(key), ...termsOf(terms), ...offerOf(offer) }),

    update(key, answers, terms, offer) {
      const [keyed, answered] = [[...answers.keys()], [...answers.values()]]
      const given = { ...placeOf(key), ...termsOf(terms), ...offerOf(offer), keyed, answered }
      return commands.script(scripts.updateTask, given)
    },

    renew(key, { owner, message, progress = '', once }, terms) {
      const value = once?.step === 'end' ? once.value : ''
      return commands.script(scripts.renewTask, {
        ...placeOf(key),
        ...termsOf(terms),
        ...{
          owner,
          says: message !== undefined,
          message: message ?? '',
          progress,
          step: once?.step ?? '',
          name: once?.name ?? '',
        },
        ...{ value, mostBytes: TASK_BYTES, mostEntries: TASK_ENTRIES },
      })
    },

    end(key, owner, end, terms) {
      const asks = end.kind === 'input' ? end.asks : []
      const outcome = end.kind === 'completed' || end.kind === 'failed' ? end : { outcome: '', message: undefined }
      const release = end.kind === 'released' ? end : { counts: false, enqueue: false }
      return commands.script(scripts.endTask, {
        ...placeOf(key),
        ...termsOf(terms),
        ...{ owner, how: end.kind, outcome: outcome.outcome, message: outcome.message ?? '' },
        ...{ says: outcome.message !== undefined, counts: release.counts, queues: release.enqueue },
        keyed: asks.map((one) => one.key),
        asked: asks.map((one) => one.ask),
        requests: asks.map((one) => one.request),
      })
    },

    cancel: (key) => commands.script(scripts.cancelTask, { ...placeOf(key), by: randomId(6), backOff: [] }),

    watch: (key, watcher, lifetime, { stream, lifetime: asksFor } = { stream: '', lifetime: 0 }) =>
      commands.script(watchTask, { ...placeOf(key), watcher, lifetime, stream, asksFor, backOff: [] }),

    async list(scope) {
      const names = await commands.script(listTasks, { key: scope })
      const views = await Promise.all(
        names.map(async (id) => {
          const reply = await commands.script(scripts.getTask, {
            ...placeOf({ scope, id, inSession: true }),
            ...{ owner: '', kind: '', leg: 0, lease: 0, patience: 0, backOff: [] },
          })
          return reply.status === 'ok' ? [{ id, view: reply.view }] : []
        }),
      )
      return views.flat()
    },

    async endSession(scope) {
      const names = await commands.script(leftTasks, { key: scope })
      return Promise.all(names.map(async (id) => ({ id, owner: await commands.script(dropTask, { key: scope, id }) })))
    },
  }
  return tasks
}
