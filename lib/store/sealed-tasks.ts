/** Tasks of a sealed store. A record whose request does not open, since it was sealed with another key, is unknown. */
import type { TaskClaim, TaskKey, TaskStore, TaskView } from './tasks.ts'

type Seal = (text: string, kind: 'task', ...place: string[]) => string
type Open = (text: string | undefined, kind: 'task', ...place: string[]) => string | undefined

/** @param seal, open those of the sealed store */
export function sealedTasks(store: TaskStore, seal: Seal, open: Open): TaskStore {
  const sealIn = ({ scope, id }: TaskKey, text: string, ...place: string[]) => seal(text, 'task', scope, id, ...place)
  const openIn = ({ scope, id }: TaskKey, text: string | undefined, ...place: string[]) =>
    open(text, 'task', scope, id, ...place)

  /** Undefined where what it has does not open. */
  function openView(key: TaskKey, view: TaskView): TaskView | undefined {
    const asks = view.asks.map((ask) => ({ ...ask, request: openIn(key, ask.request, 'ask', ask.key) }))
    const outcome = openIn(key, view.outcome, 'outcome')
    if (asks.some(({ request }) => request === undefined)) return undefined
    if (view.outcome !== undefined && outcome === undefined) return undefined
    const [message, progress] = [openIn(key, view.message, 'message'), openIn(key, view.progress, 'progress')]
    return { ...view, message, progress, asks: asks as TaskView['asks'], outcome }
  }

  function openClaim(key: TaskKey, claim: TaskClaim): TaskClaim | undefined {
    const request = openIn(key, claim.request, 'request')
    const results = new Map<string, string>()
    const asks: TaskClaim['asks'] = new Map()
    for (const [name, value] of claim.results) {
      const opened = openIn(key, value, 'result', name)
      if (opened === undefined) return undefined
      results.set(name, opened)
    }
    for (const [name, { ask, value }] of claim.asks) {
      const opened = openIn(key, value, 'answer', name)
      if (value !== undefined && opened === undefined) return undefined
      asks.set(name, { ask, value: opened })
    }
    return request === undefined ? undefined : { ...claim, request, results, asks }
  }

  function openReply(key: TaskKey, reply: Awaited<ReturnType<TaskStore['get']>>): typeof reply {
    if (reply.status !== 'ok') return reply
    const view = openView(key, reply.view)
    const claim = reply.claim && openClaim(key, reply.claim)
    // Another key: nobody here can run it, or show it.
    if (!view || (reply.claim && !claim)) return { status: 'unknown' }
    const request = openIn(key, reply.lost?.request, 'request')
    const lost = reply.lost && request !== undefined ? { ...reply.lost, request } : undefined
    return { ...reply, view, claim, lost }
  }

  return {
    async create(key, task, terms) {
      const { request, answers = [], results = [] } = task
      const reply = await store.create(
        key,
        {
          ...task,
          request: sealIn(key, request, 'request'),
          answers: answers.map((one) => ({ ...one, value: sealIn(key, one.value, 'answer', one.key) })),
          results: results.map((one) => ({ ...one, value: sealIn(key, one.value, 'result', one.name) })),
        },
        terms,
      )
      if (reply.status !== 'ok') return reply
      const view = openView(key, reply.view)
      return view ? { status: 'ok', view } : { status: 'taken' }
    },
    get: async (key, terms, offer) => openReply(key, await store.get(key, terms, offer)),
    async update(key, answers, terms, offer) {
      const sealed = new Map([...answers].map(([name, value]) => [name, sealIn(key, value, 'answer', name)]))
      return openReply(key, await store.update(key, sealed, terms, offer))
    },
    async renew(key, { message, progress, once, ...keep }, terms) {
      const sealed = once?.step === 'end' ? { ...once, value: sealIn(key, once.value, 'result', once.name) } : once
      const said = {
        ...(message !== undefined && { message: sealIn(key, message, 'message') }),
        ...(progress !== undefined && { progress: sealIn(key, progress, 'progress') }),
      }
      const reply = await store.renew(key, { ...keep, ...said, ...(sealed && { once: sealed }) }, terms)
      if (reply.status !== 'known') return reply
      const value = openIn(key, reply.value, 'result', once?.name ?? '')
      return value === undefined ? { status: 'lost' } : { status: 'known', value }
    },
    end(key, owner, end, terms) {
      if (end.kind === 'released') return store.end(key, owner, end, terms)
      if (end.kind === 'input') {
        const asks = end.asks.map((ask) => ({ ...ask, request: sealIn(key, ask.request, 'ask', ask.key) }))
        return store.end(key, owner, { ...end, asks }, terms)
      }
      const message = end.message === undefined ? undefined : sealIn(key, end.message, 'message')
      return store.end(key, owner, { ...end, outcome: sealIn(key, end.outcome, 'outcome'), message }, terms)
    },
    async cancel(key) {
      const reply = await store.cancel(key)
      if (reply.status === 'unknown') return reply
      const view = openView(key, reply.view)
      return view ? { ...reply, view } : { status: 'unknown' }
    },
    async watch(key, watcher, lifetime, asking) {
      const reply = await store.watch(key, watcher, lifetime, asking)
      if (reply.status !== 'ok') return reply
      const view = openView(key, reply.view)
      return view ? { ...reply, view } : { status: 'unknown' }
    },
    async list(scope) {
      const found = await store.list(scope)
      return found.flatMap(({ id, view }) => {
        const opened = openView({ scope, id, inSession: true }, view)
        return opened ? [{ id, view: opened }] : []
      })
    },
    endSession: (scope) => store.endSession(scope),
  }
}
