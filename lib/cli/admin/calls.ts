/** `mcp-anywhere calls`: which calls run, and the end of one. */
import { type CallEnding, endCall, inspectCalls } from '../../admin/calls.ts'
import { type CallView, callKey, oneSession, type SessionPage, viewOf, walkSessions } from '../../admin/sessions.ts'
import { systemClock } from '../../base/clock.ts'
import type { InspectedCall } from '../../runtime/mail.ts'
import { readArguments } from '../arguments.ts'
import { type Command, Failure } from '../command.ts'
import { LIST_OPTIONS, type Opened, readLimit, withAdmin, withKeys } from './open.ts'
import { badCursor } from './sessions.ts'
import { table, time } from './table.ts'

export const command: Command = {
  usage: '[--limit 50] [--cursor …] [--session KEY] [--end KEY] [--json] [--env-file .env]',
  summary:
    'Lists the calls of sessions that run: what, for how long, on which instance. Those that end within a moment are not listed. --end ends one with an error for its client.',
  async run(args) {
    const { values } = readArguments('calls', command, withKeys(args), LIST_OPTIONS)
    const { json, end } = values
    const limit = readLimit(values.limit, 50)
    await withAdmin(values['env-file'], async (opened) => {
      if (end !== undefined) return endOne(opened, end, json)
      const { sessions, cursor } = await page(opened, limit, values)
      const calls = await listed(opened, sessions)
      if (json) return console.log(JSON.stringify({ calls, cursor: cursor ?? null }, null, 2))
      console.log(calls.length === 0 ? 'No call here.' : table([HEAD, ...calls.map(row)]))
      if (cursor !== undefined) console.log(`\nThere is more: --cursor ${cursor}`)
    })
  },
}

async function page(
  { admin }: Opened,
  limit: number,
  { session, cursor }: { session?: string | undefined; cursor?: string | undefined },
): Promise<SessionPage> {
  if (session === undefined) return (await walkSessions(admin, 'live', cursor, limit)) ?? badCursor()
  const one = await oneSession(admin, session)
  if (!one) throw new Failure('There is no session with this key.')
  return { sessions: [one], cursor: undefined }
}

interface Listed extends Omit<CallView, 'instance'> {
  session: string
  instance: string | null
  /** Null: the instance did not answer. */
  method: string | null
  name: string | null
  runsForMs: number | null
}

async function listed({ store }: Opened, sessions: SessionPage['sessions']): Promise<Listed[]> {
  const owners = sessions.flatMap(({ calls }) => calls.map(({ owner }) => owner))
  const inspected = await inspectCalls(store, owners, systemClock)
  return sessions.flatMap((session) => {
    const ownerOf = new Map(session.calls.map((call) => [callKey(session.key, call), call.owner]))
    return viewOf(session).calls.map((call) => {
      const found = inspected.get(ownerOf.get(call.key) ?? '')
      return { ...call, session: session.key, instance: call.instance ?? null, ...whatOf(found) }
    })
  })
}

function whatOf(found: InspectedCall | undefined): Pick<Listed, 'method' | 'name' | 'runsForMs'> {
  return {
    method: found?.method ?? null,
    name: found?.name ?? null,
    runsForMs: found === undefined ? null : Math.round(found.runs),
  }
}

const ENDINGS: Readonly<Record<Exclude<CallEnding, 'unknown'>, string>> = {
  ended: 'The call has ended, and its client gets an error.',
  orphan: 'Nobody ran the call. It has ended, and its client gets an error when it comes back.',
  marked:
    'The instance of the call did not answer. The call is cancelled: its instance finds that with its next look at Redis.',
}

async function endOne({ store, admin, settings }: Opened, key: string, json: boolean): Promise<void> {
  const ending = await endCall(store, admin, key, systemClock, settings.endpoint.session)
  if (ending === 'unknown') throw new Failure('There is no call with this key. Keys are listed by mcp-anywhere calls.')
  console.log(json ? JSON.stringify({ ended: key, how: ending }, null, 2) : ENDINGS[ending])
}

const HEAD = ['CALL', 'METHOD', 'NAME', 'RUNS FOR', 'REQUEST', 'INSTANCE', 'STATE']

function row({ key, method, name, runsForMs, request, instance, state }: Listed): string[] {
  const runs = time(runsForMs ?? undefined)
  return [key, method ?? '-', name ?? '-', runs, JSON.stringify(request), instance ?? '-', state]
}
