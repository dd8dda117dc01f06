/** Scripts on the sessions of a principal. */
import { nothing, texts } from './decode.ts'
import { NOW } from './lua-first.ts'
import { defineScript } from './script.ts'

/**
 * Counts a session under its principal.
 * Keys: the list of the principal's sessions. Arguments: the session's key; how many sessions the principal may have; how
 * long the session lives (ms); how long the list lives (ms). Reply: nil where the session is counted, now or before; else
 * the sessions that have expired, unless a read slid their lifetime.
 */
export const admit = defineScript('mcpAdmit', {
  keys: ['own'],
  texts: ['session'],
  numbers: ['max', 'lifetime', 'longest'],
  reply: (reply) => (reply === null ? undefined : texts(reply)),
  lua: `${NOW}
if not call('ZSCORE', own, session) then
  if call('ZCARD', own) >= max then return call('ZRANGEBYSCORE', own, '-inf', now()) end
  call('ZADD', own, now() + lifetime, session)
end
call('PEXPIRE', own, longest)
return false
`,
})

/**
 * Corrects the list of a principal's sessions.
 * Keys: the list. Lists: keys of sessions; for each of them how many ms it still lives (0 or less: it is gone). No reply.
 */
export const recount = defineScript('mcpRecount', {
  keys: ['own'],
  lists: ['sessions', 'lifetimes'],
  reply: nothing,
  lua: `${NOW}
for i, session in ipairs(sessions) do
  local left = tonumber(lifetimes[i])
  if left > 0 then call('ZADD', own, 'XX', now() + left, session) else call('ZREM', own, session) end
end
`,
})
