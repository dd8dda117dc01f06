/** Tasks as operators see and end them, in a cluster, where the records are on several nodes. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { endSession } from '../../lib/admin/sessions.ts'
import { cancelTask, oneTask, type TaskListing, tasksOfSession, walkTasks } from '../../lib/admin/tasks.ts'
import { randomKey } from '../../lib/base/sealing.ts'
import { redisStore } from '../../lib/store/redis/index.ts'
import { sealedStore } from '../../lib/store/sealed.ts'
import type { AdminStore, Store } from '../../lib/store/store.ts'
import type { TaskKey, TaskStore } from '../../lib/store/tasks.ts'
import { keyOf, nameOf } from '../../lib/tasks/names.ts'
import { TERMS } from '../../lib/tasks/terms.ts'
import { MINUTE } from '../store/contract/support.ts'
import { startCluster } from '../support/redis.ts'

const SESSION = 'a session of 22 chars.'.replaceAll(/[ .]/g, '-')
const GONE = 'another of 22 chars...'.replaceAll(/[ .]/g, '-')
const request = JSON.stringify({ method: 'tools/call', params: { name: 'report' }, revision: '2026-07-28' })

let cluster: Awaited<ReturnType<typeof startCluster>>
let [store, stranger]: Store[] = []
let tasks: TaskStore
let admin: AdminStore
const made: TaskKey[] = []

beforeAll(async () => {
  cluster = await startCluster()
  const sealed = (key: Uint8Array) => sealedStore(redisStore({ cluster: cluster.urls }), [key])
  store = sealed(randomKey())
  stranger = sealed(randomKey())
  const [ofTasks, ofAdmin] = await Promise.all([store.tasks?.(), store.admin?.()])
  if (!ofTasks || !ofAdmin) throw new Error('The store lacks a part.')
  ;[tasks, admin] = [ofTasks, ofAdmin]
  await store.createSession(SESSION, 'record', MINUTE)
  await store.createSession(GONE, 'record', MINUTE)
  const own = [SESSION, GONE].map((scope) => ({ scope, id: 'own-task', inSession: true }))
  for (const key of [...Array.from({ length: 24 }, (_, i) => keyOf('principal', `task ${i}`)), ...own]) {
    const task = { owner: 'instance:run', request, ttl: MINUTE, poll: 2_000, retries: 2 }
    expect((await tasks.create(key, task, TERMS)).status).toBe('ok')
    if (key.scope !== GONE) made.push(key)
  }
  // Whoever ended it was lost before it removed the task, which is listed no more.
  await store.deleteSession(GONE)
})
afterAll(async () => {
  await store?.close()
  await stranger?.close()
  await cluster.stop()
})

test('are listed page by page, on whichever nodes they are', async () => {
  const listed: TaskListing[] = []
  let cursor: string | undefined
  do {
    const page = await walkTasks(tasks, admin, cursor, 10)
    if (!page) throw new Error('The cursor is unknown.')
    listed.push(...page.tasks)
    cursor = page.cursor
  } while (cursor !== undefined)
  expect([...new Set(listed.map(({ key }) => key))].toSorted()).toEqual(made.map(nameOf).toSorted())
  expect(listed[0]).toMatchObject({
    status: 'working',
    tool: 'report',
    revision: '2026-07-28',
    instance: 'instance',
    leg: 1,
  })
  expect(await walkTasks(tasks, admin, '7@nowhere', 10)).toBeUndefined()
})

test('of a session are those of the session', async () => {
  expect(await tasksOfSession(tasks, admin, SESSION)).toMatchObject([{ key: `${SESSION}.own-task~`, session: SESSION }])
})

test('are shown one by one, and not what another key has sealed', async () => {
  const name = nameOf(made[0] as TaskKey)
  expect(await oneTask(tasks, admin, name)).toMatchObject({ key: name, session: undefined })
  expect(await oneTask(tasks, admin, 'nothing.task')).toBeUndefined()
  const [theirTasks, theirAdmin] = await Promise.all([stranger?.tasks?.(), stranger?.admin?.()])
  if (!theirTasks || !theirAdmin) throw new Error('The store lacks a part.')
  expect((await oneTask(theirTasks, theirAdmin, name))?.tool).toBeUndefined()
})

test('are cancelled once, and their run hears of it', async () => {
  const name = nameOf(made[1] as TaskKey)
  const mails: string[] = []
  const send: Store['send'] = async (instance, text) => void mails.push(`${instance} ${JSON.parse(text).t}`)
  expect(await cancelTask({ send }, tasks, name)).toBe('cancelled')
  expect(mails).toEqual(['instance cancel'])
  expect(await cancelTask({ send }, tasks, name)).toBe('over')
  expect(await cancelTask({ send }, tasks, 'nothing.task')).toBe('unknown')
  expect((await oneTask(tasks, admin, name))?.status).toBe('cancelled')
})

test.each([
  ['that an operator ends', SESSION, { streams: 0 }],
  ['that is gone, and that an operator ends again', GONE, undefined],
])('end with the session %s, on whichever node it is, and their runs hear of it', async (_, session, ended) => {
  const mails: string[] = []
  const given = new Proxy(store as Store, {
    get: (target, member) =>
      member === 'send'
        ? async (instance: string, text: string) => void mails.push(`${instance} ${JSON.parse(text).t}`)
        : Reflect.get(target, member),
  })
  const reply = await endSession(given, session)
  if (ended) expect(reply).toMatchObject(ended)
  else expect(reply).toBeUndefined()
  expect(mails).toEqual(['instance gone'])
  expect(await oneTask(tasks, admin, `${session}.own-task~`)).toBeUndefined()
})
