/** The two ends of a session over Streamable HTTP: `initialize`, and DELETE. */
import { sessionKey } from '../../../lib/session/stream/session.ts'
import type { Session } from '../history.ts'
import { Broken } from './http.ts'
import { newSession, pause, type World } from './world.ts'

export const ACCEPT = 'application/json, text/event-stream'

interface Opening {
  name: string
  revision: string
  /** Of each request of the client. */
  headers?: Record<string, string>
  /** As the store has it; '': none. */
  principal?: string
}

/** Opens a session, again and again until it is there. Undefined: the run is over. */
export async function openSession(
  world: World,
  { name, revision, headers = {}, principal = '' }: Opening,
): Promise<{ session: Session; id: string } | undefined> {
  const { http, now, silence, sessions } = world
  for (;;) {
    if (!world.running) return undefined
    const session = newSession(name, revision, now())
    const params = {
      protocolVersion: revision,
      capabilities: { elicitation: {} },
      clientInfo: { name: 'nemesis', version: '1' },
    }
    try {
      const body = { jsonrpc: '2.0', id: 0, method: 'initialize', params }
      const given = { ...headers, accept: ACCEPT }
      const reply = await http.send({ method: 'POST', headers: given, body, patience: silence })
      const text = await reply.text()
      const id = reply.headers['mcp-session-id']
      if (reply.status === 200 && typeof id === 'string') {
        Object.assign(session, { key: sessionKey(principal, id), opened: now() })
        sessions.push(session)
        return { session, id }
      }
      if (reply.status !== 503) {
        session.odd.push({ at: now(), what: 'initialize', status: reply.status, text })
        sessions.push(session)
      }
    } catch (error) {
      if (!(error instanceof Broken)) throw error
    }
    await pause(300)
  }
}

/** DELETE, until it is acknowledged. False: there was nothing to end. */
export async function endSession(world: World, session: Session, headers: Record<string, string>): Promise<boolean> {
  const { http, now, silence } = world
  if (session.lost || session.opened === 0) return false
  session.deletion = { sent: now() }
  for (let attempt = 0; attempt < 60; attempt++) {
    try {
      const reply = await http.send({ method: 'DELETE', headers, patience: silence })
      const text = await reply.text()
      session.deletion.status = reply.status
      if (reply.status === 204 || reply.status === 404) {
        session.deletion.acknowledged = now()
        break
      }
      if (reply.status !== 503) session.odd.push({ at: now(), what: 'DELETE', status: reply.status, text })
    } catch (error) {
      if (!(error instanceof Broken)) throw error
    }
    await pause(500)
  }
  return true
}
