/** The scripts that a first call needs: all others are loaded when they are used. */
import { number } from './decode.ts'
import { EXTEND, HOLD, NOW } from './lua-first.ts'
import { defineScript } from './script.ts'

/**
 * `present(slack)`: the position in the list of changes that stands for the present moment. A change that is published in
 * this very millisecond is later. In a cluster the list is on another node, whose clock may be behind by up to `slack` ms,
 * so a session may get a change from just before its position.
 */
export const PRESENT = `${NOW}
local function present(slack) return (now() - slack) .. '-0' end
`

/**
 * Writes a new session. Repeated, it changes nothing.
 * Keys: the session; its live parts. Arguments: the record; how long it lives where nobody uses it, and at most (ms; 0: the
 * longest); the longest time (ms); the slack of {@link PRESENT}. No reply.
 */
export const createSession = defineScript('mcpCreateSession', {
  keys: ['session', 'live'],
  texts: ['record'],
  numbers: ['lifetime', 'most', 'longest', 'slack'],
  reply: (): { status: 'ok' } => ({ status: 'ok' }),
  lua: `${PRESENT}
if call('EXISTS', session, live) > 0 then
  if call('EXISTS', session) == 1 then return end
  call('DEL', live)
end
if most == 0 then most = longest end
call('HSET', session, 'rec', record, 'pos', present(slack), 'end', now() + most, 'born', now())
call('PEXPIRE', session, math.min(lifetime, most))
`,
})

/**
 * Slides the lifetime of a session that exists, and stores when.
 * Keys: the session. Arguments: how long it lives from now on, and in all (ms). Reply: the time; nil where there is no session.
 */
export const slide = defineScript('mcpSlide', {
  keys: ['session'],
  numbers: ['lifetime', 'most'],
  gone: 'nil',
  reply: (reply) => (reply === null ? undefined : number(reply)),
  lua: `${NOW}${EXTEND}
local time = extend(session, lifetime, most)
-- A session that has lived for so long is over now.
if call('EXISTS', session) == 1 then call('HSET', session, 'slid', time) end
return time
`,
})

/**
 * Counts what a session keeps for its client.
 * Keys: what the sessions of the client keep. Arguments: the session; its bytes (0: none); for how many ms they count. Reply:
 * the bytes of all.
 */
export const weigh = defineScript('mcpWeigh', {
  keys: ['clientHeld', 'clientSizes'],
  texts: ['member'],
  numbers: ['bytes', 'lifetime'],
  reply: number,
  lua: `${HOLD}
-- A client may have many sessions, and what has expired must not have it refused.
purge(clientHeld, clientSizes, 1000)
return hold(clientHeld, clientSizes, member, bytes, lifetime, math.max(lifetime, call('PTTL', clientHeld)))
`,
})
