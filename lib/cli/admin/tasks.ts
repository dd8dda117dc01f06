/** `mcp-anywhere tasks`: which tasks there are, one of them, and the end of one. */
import { cancelTask, oneTask, type TaskListing, type TaskPage, tasksOfSession, walkTasks } from '../../admin/tasks.ts'
import { isKey } from '../../admin/text.ts'
import { systemClock } from '../../base/clock.ts'
import type { TaskStore } from '../../store/tasks.ts'
import { readArguments } from '../arguments.ts'
import { type Command, Failure } from '../command.ts'
import { OPTIONS, type Opened, readLimit, withAdmin, withKeys } from './open.ts'
import { badCursor } from './sessions.ts'
import { table, time } from './table.ts'

export const command: Command = {
  usage: '[--limit 50] [--cursor …] [--session KEY] [--task KEY] [--cancel KEY] [--json] [--env-file .env]',
  summary:
    'Lists tasks page by page, or those of a session: what, since when, on which instance. --task shows one, --cancel ends one, as its client would.',
  async run(args) {
    const { values } = readArguments('tasks', command, withKeys(args), {
      ...OPTIONS,
      limit: { type: 'string' },
      cursor: { type: 'string' },
      session: { type: 'string' },
      task: { type: 'string' },
      cancel: { type: 'string' },
    })
    const limit = readLimit(values.limit, 50)
    await withAdmin(values['env-file'], async (opened) => {
      const tasks = await opened.store.tasks?.()
      if (!tasks) throw new Failure('The store of the settings keeps no tasks.')
      if (values.cancel !== undefined) return cancel(opened, tasks, values.cancel, values.json)
      if (values.task !== undefined) return show(opened, tasks, values.task, values.json)
      const page = await pageOf(opened, tasks, values, limit)
      if (values.json) return console.log(JSON.stringify({ tasks: page.tasks, cursor: page.cursor ?? null }, null, 2))
      console.log(page.tasks.length === 0 ? 'No task here.' : table([HEAD, ...page.tasks.map(row)]))
      if (page.cursor !== undefined) console.log(`\nThere is more: --cursor ${page.cursor}`)
    })
  },
}

async function pageOf(
  { admin }: Opened,
  tasks: TaskStore,
  { session, cursor }: { session?: string | undefined; cursor?: string | undefined },
  limit: number,
): Promise<TaskPage> {
  if (session === undefined) return (await walkTasks(tasks, admin, cursor, limit)) ?? badCursor()
  if (!isKey(session)) throw new Failure('There is no session with this key.')
  return { tasks: await tasksOfSession(tasks, admin, session), cursor: undefined }
}

const NO_TASK = 'There is no task with this key. Keys are listed by mcp-anywhere tasks.'

async function show({ admin }: Opened, tasks: TaskStore, name: string, json: boolean): Promise<void> {
  const task = await oneTask(tasks, admin, name)
  if (!task) throw new Failure(NO_TASK)
  if (json) return console.log(JSON.stringify(task, null, 2))
  const shown = Object.entries(task).map(([member, value]) => [member, shownAs(member, value)])
  console.log(table(shown))
}

/** Times of clocks are those of the store. */
function shownAs(member: string, value: string | number | undefined): string {
  if (value === undefined) return '-'
  if (member === 'created' || member === 'updated') return new Date(value).toISOString()
  return member === 'endsIn' ? time(Number(value)) : String(value)
}

async function cancel({ store }: Opened, tasks: TaskStore, name: string, json: boolean): Promise<void> {
  const ending = await cancelTask(store, tasks, name)
  if (ending === 'unknown') throw new Failure(NO_TASK)
  if (ending === 'over') throw new Failure('The task has ended before.')
  console.log(json ? JSON.stringify({ cancelled: name }, null, 2) : 'The task is cancelled.')
}

const HEAD = ['TASK', 'TOOL', 'STATUS', 'AGE', 'LEG', 'ASKS', 'INSTANCE', 'ENDS IN']

function row({ key, tool, status, created, leg, asks, instance, endsIn }: TaskListing): string[] {
  const age = time(Math.max(0, systemClock.wall() - created))
  return [key, tool ?? '-', status, age, String(leg), String(asks), instance ?? '-', time(endsIn)]
}
