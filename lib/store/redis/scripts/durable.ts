/** Scripts on durable calls. They do what those on other calls do, and keep the request elsewhere, the asks by key, and the journal. */
import { appendLua, readAppend } from './append.ts'
import { endCallLua, lookCallLua, readEnd, readLook, readRegister, registerLua } from './calls.ts'
import { FORGET_DURABLE, LONGER, UPGRADE } from './lua-suspended.ts'
import { defineScript } from './script.ts'

/** As `register`. */
export const registerDurable = defineScript('mcpRegisterDurable', {
  keys: ['session', 'live', 'log', 'mark', 'over', 'held', 'sizes'],
  texts: ['id', 'stream', 'owner', 'holder', 'request'],
  numbers: ['open', 'maxCalls', 'sessionBytes', 'markAge'],
  gone: "{ 'gone' }",
  reply: readRegister,
  lua: registerLua('d:'),
})

const OPEN = `${LONGER}
if said >= 0 then call('HSET', live, 'q:' .. stream, said) end
for i, ask in ipairs(asks) do
  if call('HSETNX', live, 'a:' .. ask, stream) == 1 then
    local ends = tonumber(call('HGET', session, 'end') or '') or math.huge
    call('HSET', live, 't:' .. ask, math.floor(math.min(now() + tonumber(timeouts[i]), ends)))
    call('HSETNX', jrn, 'k:' .. askKeys[i], ask .. ' ' .. digests[i])
  end
end
longer(jrn, open)
`

/**
 * As \`append\`, also of a call that was registered as another one. Keys: also the journal. Arguments: also the ordinal of the handler's last message (-1: as before). Lists: the asks
 * also by key, with a digest of what is asked, and with the ms until their deadline.
 */
export const appendDurable = defineScript('mcpAppendDurable', {
  keys: ['session', 'live', 'log', 'logs', 'mark', 'over', 'held', 'sizes', 'jrn'],
  texts: ['stream', 'owner', 'tag', 'id', 'holder', 'request'],
  numbers: ['from', 'maxMessages', 'maxBytes', 'open', 'ended', 'maxCalls', 'sessionBytes', 'markAge', 'said'],
  flags: ['final', 'registers'],
  lists: ['messages', 'asks', 'askKeys', 'digests', 'timeouts', 'forget'],
  gone: "{ 'gone' }",
  reply: readAppend,
  lua: appendLua({ request: 'd:', upgrade: UPGRADE, open: OPEN, forget: FORGET_DURABLE }),
})

/** As `endCall`. Keys: also the journal. */
export const endDurable = defineScript('mcpEndDurable', {
  keys: ['session', 'live', 'log', 'logs', 'over', 'held', 'sizes', 'jrn'],
  texts: ['stream', 'owner'],
  numbers: ['maxMessages', 'open', 'ended', 'endRepeat'],
  flags: ['mark'],
  lists: ['forget'],
  gone: "{ 'gone' }",
  reply: readEnd,
  lua: endCallLua(FORGET_DURABLE),
})

/** As `lookCall`. Keys: also the journal. */
export const lookDurable = defineScript('mcpLookDurable', {
  keys: ['session', 'live', 'log', 'logs', 'held', 'sizes', 'jrn'],
  texts: ['stream', 'owner'],
  numbers: ['lifetime', 'open', 'most'],
  lists: ['asks'],
  gone: "{ 'gone' }",
  reply: (reply, { asks }) => readLook(reply, asks),
  lua: lookCallLua(`call('PEXPIRE', jrn, open)
hold_on(held, sizes, stream .. ' journal', open, open)
`),
})
