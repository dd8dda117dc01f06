/** `mcp-anywhere sessions`: which sessions there are, and the end of one. */
import { principalOfToken } from '../../admin/principal.ts'
import {
  endSession,
  oneSession,
  type SessionPage,
  type SessionView,
  sessionsOfPrincipal,
  viewOf,
  walkSessions,
} from '../../admin/sessions.ts'
import { readArguments } from '../arguments.ts'
import { type Command, Failure } from '../command.ts'
import { LIST_OPTIONS, type Opened, readLimit, readToken, withAdmin, withKeys } from './open.ts'
import { bytes, table, time } from './table.ts'

export const command: Command = {
  usage: '[--limit 50] [--cursor …] [--session KEY] [--token TOKEN|-] [--end KEY] [--json] [--env-file .env]',
  summary:
    'Lists sessions page by page: one by its key, or those of the principal of a token (- reads it from stdin). --end ends one, as its client would.',
  async run(args) {
    const { values } = readArguments('sessions', command, withKeys(args), {
      ...LIST_OPTIONS,
      token: { type: 'string' },
    })
    const { json, end } = values
    const limit = readLimit(values.limit, 50)
    if (values.session !== undefined && values.token !== undefined) {
      throw new Failure('--session and --token are two ways to choose. Give one of them.')
    }
    await withAdmin(values['env-file'], async (opened) => {
      const principal = principalIn(opened, values.token)
      if (end !== undefined) return endOne(opened, end, principal, json)
      const { sessions, cursor } = await page(opened, { ...values, limit, principal })
      const views = sessions.map(viewOf)
      if (json) return console.log(JSON.stringify({ sessions: views.map(toJson), cursor: cursor ?? null }, null, 2))
      console.log(views.length === 0 ? 'No session here.' : table([HEAD, ...views.map(row)]))
      if (cursor !== undefined) console.log(`\nThere is more: --cursor ${cursor}`)
    })
  },
}

interface Choice {
  limit: number
  cursor?: string | undefined
  session?: string | undefined
  principal?: string | undefined
}

async function page({ admin }: Opened, { limit, cursor, session, principal }: Choice): Promise<SessionPage> {
  if (session !== undefined) {
    const one = await oneSession(admin, session)
    if (!one) throw new Failure(NO_SESSION)
    return { sessions: [one], cursor: undefined }
  }
  const found =
    principal === undefined
      ? await walkSessions(admin, 'all', cursor, limit)
      : await sessionsOfPrincipal(admin, principal, cursor, limit)
  return found ?? badCursor()
}

/** @throws Failure */
export function badCursor(): never {
  throw new Failure('--cursor is none of this Redis, or its node is no primary any more. Begin again without it.')
}

const NO_SESSION = 'There is no session with this key. Keys are listed by mcp-anywhere sessions, and in the log.'

/** @throws Failure */
function principalIn({ settings }: Opened, token: string | undefined): string | undefined {
  if (token === undefined) return undefined
  try {
    return principalOfToken(readToken(token), settings.endpoint.auth)
  } catch (error) {
    throw new Failure(`--token: ${(error as Error).message}`)
  }
}

async function endOne({ store }: Opened, key: string, principal: string | undefined, json: boolean): Promise<void> {
  const ended = await endSession(store, key, principal)
  if (!ended) throw new Failure(NO_SESSION)
  const { streams, calls } = ended
  if (json) return console.log(JSON.stringify({ ended: key, streams, calls }, null, 2))
  console.log(`The session has ended. Streams that close: ${streams}. Calls that stop: ${calls}.`)
}

const HEAD = ['SESSION', 'CLIENT', 'REVISION', 'OPEN', 'USED', 'ENDS IN', 'CALLS', 'STREAMS', 'KEEPS', 'INSTANCES']

function row(view: SessionView): string[] {
  const { key, client, revision = 'unreadable', openFor, idleFor, endsIn, calls, streams, instances } = view
  const used = idleFor === undefined ? '-' : `${time(idleFor)} ago`
  const name = client ? `${client.name} ${client.version}` : '-'
  const where = instances.join(' ') || '-'
  const counts = [String(calls.length), String(streams), bytes(view.bytes)]
  return [key, name, revision, time(openFor), used, time(endsIn), ...counts, where]
}

function toJson({ openFor, idleFor, endsIn, ...rest }: SessionView): object {
  return {
    ...rest,
    openedMsAgo: openFor ?? null,
    usedMsAgo: idleFor ?? null,
    endsInMs: endsIn,
    revision: rest.revision ?? null,
    client: rest.client ?? null,
  }
}
