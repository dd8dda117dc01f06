/** What each server does with a session whose process was killed, and which revisions it has: asked of the servers that are measured. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { RedisServer } from '../../support/redis.ts'
import { type Answer, Connection, postBytes } from '../connection.ts'
import { isOther, type Server, startServer } from '../processes.ts'
import { WORKLOADS } from '../workloads.ts'
import { COMPARISONS, type Compared } from './races.ts'

export interface Facts {
  name: string
  use: string
  /** The newest revision with sessions that it agrees to. */
  sessions: string | undefined
  /** Whether it answers a call of 2026-07-28. */
  stateless: boolean
  /** What becomes of a session. Undefined: the server opens none. */
  session:
    | {
        /** Whether a second process answers in a session after the first was killed. */
        survives: boolean
        /** Whether the server refuses a session that it has never opened. */
        checked: boolean
      }
    | undefined
}

/** The revisions with sessions, from the newest. */
const REVISIONS = ['2025-11-25', '2025-06-18', '2025-03-26'] as const
const NEVER_OPENED = '00000000-0000-4000-8000-000000000000'
/** No answer is slower than this, in ms: a server that says nothing is not waited for. */
const PATIENCE = 20_000
const CALL = {
  jsonrpc: '2.0',
  id: 2,
  method: 'tools/call',
  params: { name: 'echo', arguments: { text: 'Still here?' } },
}
const initialize = (protocolVersion: string) => ({
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion, capabilities: {}, clientInfo: { name: 'bench', version: '1.0.0' } },
})

/** Each way to use each package. */
function subjects(): Compared[] {
  const all = COMPARISONS.flatMap(({ others }) => others)
  const same = (a: Compared, b: Compared) => a.name === b.name && a.use === b.use
  return all.filter((one, i) => all.findIndex((each) => same(each, one)) === i)
}

/** @param root that of the servers of other packages */
export async function askFacts(redis: RedisServer, root: URL): Promise<Facts[]> {
  const facts: Facts[] = []
  for (const subject of subjects()) facts.push(await factsOf(subject, redis, root))
  return facts
}

async function factsOf(subject: Compared, redis: RedisServer, root: URL): Promise<Facts> {
  const { name, use, server, redis: needsRedis = false } = subject
  const env = { ...subject.env, ...(needsRedis && { BENCH_REDIS: redis.url }) }
  const start = () => startServer(server, env, isOther(server) ? root : undefined)
  const [first, second] = await Promise.all([start(), start()])
  try {
    const revision = await newestOf(first)
    const opened = revision && (await ask(first, postBytes(initialize(revision))))
    const id = opened && /^mcp-session-id: (.*)$/im.exec(opened.head)?.[1]?.trim()
    const inSession = (session: string) =>
      postBytes(CALL, { 'Mcp-Session-Id': session, 'MCP-Protocol-Version': revision ?? '' })
    if (id) {
      const headers = { 'Mcp-Session-Id': id, 'MCP-Protocol-Version': revision }
      await ask(first, postBytes({ jsonrpc: '2.0', method: 'notifications/initialized' }, headers))
      expectAnswer(name, await ask(first, inSession(id)))
    }
    await first.stop()
    const session = id
      ? {
          survives: answered(await ask(second, inSession(id))),
          checked: !answered(await ask(second, inSession(NEVER_OPENED))),
        }
      : undefined
    return { name, use, sessions: revision, stateless: await answersStateless(second), session }
  } finally {
    await Promise.all([first.stop(), second.stop()])
  }
}

async function newestOf(server: Server): Promise<string | undefined> {
  for (const revision of REVISIONS) {
    const { body } = await ask(server, postBytes(initialize(revision)))
    if (body.includes(`"protocolVersion":"${revision}"`)) return revision
  }
  return undefined
}

const answered = ({ status, body }: Answer) => status === 200 && body.includes('Still here?')

function expectAnswer(name: string, answer: Answer): void {
  if (!answered(answer))
    throw new Error(`${name} does not answer a call in its session: ${answer.status} ${answer.body}`)
}

async function answersStateless(server: Server): Promise<boolean> {
  const connection = await Connection.open(server.port)
  const next = await WORKLOADS.stateless.prepare(connection, REVISIONS[0], 0, {})
  connection.close()
  const { status, body } = await ask(server, next())
  return status === 200 && body.includes('resultType') && WORKLOADS.stateless.expects.test(body)
}

async function ask(server: Server, bytes: Buffer): Promise<Answer> {
  const connection = await Connection.open(server.port)
  const silent: Answer = { status: 0, head: '', body: 'no answer' }
  const broken = (error: Error): Answer => ({ status: 0, head: '', body: error.message })
  const patience = new AbortController()
  const late = sleep(PATIENCE, silent, { signal: patience.signal }).catch(() => silent)
  try {
    return await Promise.race([connection.ask(bytes).catch(broken), late])
  } finally {
    patience.abort()
    connection.close()
  }
}
