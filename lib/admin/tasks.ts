/** Tasks as an operator sees them, and their end. */

import { isObject } from '../protocol/jsonrpc.ts'
import type { Mail } from '../runtime/mail.ts'
import { instanceOf } from '../runtime/name.ts'
import type { StoredTask } from '../store/admin.ts'
import type { AdminStore, Store } from '../store/store.ts'
import type { TaskKey, TaskStatus, TaskStore } from '../store/tasks.ts'
import { nameOf, readName } from '../tasks/names.ts'
import { TERMS } from '../tasks/terms.ts'
import { plain } from './text.ts'

/** Times are in ms. */
export interface TaskListing {
  /** Names the task for an operator. It opens nothing. */
  key: string
  status: TaskStatus
  /** Undefined: it was sealed with another key. */
  tool: string | undefined
  revision: string | undefined
  message: string | undefined
  leg: number
  /** Runs of this leg that were lost. */
  lost: number
  /** The instance that runs its leg. */
  instance: string | undefined
  /** The key of its session (2025-11-25). */
  session: string | undefined
  /** Keys of the questions that wait for the client. */
  asks: number
  created: number
  updated: number
  /** How long it can be read. */
  endsIn: number
}

export interface TaskPage {
  tasks: TaskListing[]
  cursor: string | undefined
}

/** Reads tasks page by page, about `limit` in all. Undefined: the cursor is none, or belongs to a node that is no primary any more. */
export async function walkTasks(
  tasks: TaskStore,
  admin: AdminStore,
  from: string | undefined,
  limit: number,
): Promise<TaskPage | undefined> {
  const found = new Map<string, TaskKey>()
  let cursor = from
  do {
    const page = await admin.walkTasks(cursor, limit - found.size)
    if (page.status !== 'ok') return undefined
    for (const key of page.keys) found.set(nameOf(key), key)
    cursor = page.cursor
  } while (cursor !== undefined && found.size < limit)
  return { tasks: await describe(tasks, admin, [...found.values()]), cursor }
}

/** The tasks of a session. */
export async function tasksOfSession(tasks: TaskStore, admin: AdminStore, session: string): Promise<TaskListing[]> {
  const keys = (await tasks.list(session)).map(({ id }) => ({ scope: session, id, inSession: true }))
  return describe(tasks, admin, keys)
}

export async function oneTask(tasks: TaskStore, admin: AdminStore, name: string): Promise<TaskListing | undefined> {
  const key = readName(name)
  return key && (await describe(tasks, admin, [key]))[0]
}

async function describe(tasks: TaskStore, admin: AdminStore, keys: readonly TaskKey[]): Promise<TaskListing[]> {
  const stored = await admin.describeTasks(keys)
  const listed = await Promise.all(stored.map((one) => one && listing(tasks, one)))
  return listed.filter((one) => one !== undefined)
}

async function listing(
  tasks: TaskStore,
  { key, request, owner, lost, left }: StoredTask,
): Promise<TaskListing | undefined> {
  // Without an offer nothing is taken.
  const reply = await tasks.get(key, TERMS)
  if (reply.status !== 'ok') return undefined
  const { status, message, leg, asks, created, updated } = reply.view
  return {
    ...{ key: nameOf(key), status, leg, lost, asks: asks.length, created, updated, endsIn: left },
    ...calledBy(request),
    message: message === undefined ? undefined : plain(message),
    instance: owner === '' ? undefined : instanceOf(owner),
    session: key.inSession ? key.scope : undefined,
  }
}

function calledBy(request: string | undefined): Pick<TaskListing, 'tool' | 'revision'> {
  const value: unknown = request === undefined ? undefined : JSON.parse(request)
  if (!isObject(value)) return { tool: undefined, revision: undefined }
  const name = isObject(value.params) ? value.params.name : undefined
  return {
    tool: typeof name === 'string' ? plain(name) : undefined,
    revision: typeof value.revision === 'string' ? value.revision : undefined,
  }
}

/** Cancels a task, as its client would. over: it had ended before. unknown: there is none. */
export async function cancelTask(
  store: Pick<Store, 'send'>,
  tasks: TaskStore,
  name: string,
): Promise<'cancelled' | 'over' | 'unknown'> {
  const key = readName(name)
  const reply = key && (await tasks.cancel(key))
  if (!reply || reply.status === 'unknown') return 'unknown'
  if (reply.status === 'over') return 'over'
  const mails: Mail[] = reply.watchers.map((to) => ({ t: 'task', to, task: name }))
  if (reply.owner !== undefined) mails.push({ t: 'cancel', to: reply.owner })
  await Promise.all(mails.map((mail) => store.send(instanceOf(mail.to), JSON.stringify(mail))))
  return 'cancelled'
}
