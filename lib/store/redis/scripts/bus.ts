/** Scripts on mail and on the list of changes. */
import { nothing, optional, text, texts } from './decode.ts'
import { evenIfFull } from './lua.ts'
import { defineScript } from './script.ts'

/**
 * Writes the sign of life of an instance, also where Redis is full.
 * Keys: the sign. Arguments: its text; how long it lives (ms). Reply: the text that it replaces, or nil.
 */
const sign = <K extends 'up' | 'here'>(name: string, key: K) =>
  defineScript(name, {
    keys: [key],
    texts: ['sign'],
    numbers: ['ttl'],
    reply: optional,
    lua: `
local before = call('GET', ${key})
${evenIfFull(key, 'ttl')}call('SET', ${key}, sign, 'PX', ttl)
return before
`,
  })
/** The sign that other instances ask for. */
export const up = sign('mcpUp', 'up')
/** The sign that the script sees that sends mail. */
export const upBesideMail = sign('mcpUpBesideMail', 'here')

/**
 * Puts a message into a mailbox. `b` of an entry is the number of bytes that the mailbox has got so far, so that the newest
 * and the oldest entry give the number that waits. Where that is over its bound, everything that waits is dropped, and `l` of
 * the next entry says so.
 * Keys: the mailbox; the sign of life of its instance. Arguments: the message; how many messages and bytes wait at most; how
 * long the mailbox lives from now on (ms), also where its instance is dead; whether an instance without a sign gets no mail. No
 * reply.
 */
export const send = defineScript('mcpSend', {
  keys: ['box', 'here'],
  texts: ['message'],
  numbers: ['maxMail', 'maxMailBytes', 'mailbox'],
  flags: ['signed'],
  reply: nothing,
  lua: `
if signed and call('EXISTS', here) == 0 then return end
local total, lost = #message, false
local newest = call('XREVRANGE', box, '+', '-', 'COUNT', 1)[1]
if newest then
  local oldest = call('XRANGE', box, '-', '+', 'COUNT', 1)[1]
  -- Entries of a build before have no number.
  total = total + (tonumber(newest[2][4]) or 0)
  lost = total - (tonumber(oldest[2][4]) or 0) + #oldest[2][2] > maxMailBytes
end
local bytes = string.format('%.0f', total)
if lost then
  call('XTRIM', box, 'MAXLEN', 0)
  call('XADD', box, '*', 'm', message, 'b', bytes, 'l', '1')
else
  call('XADD', box, 'MAXLEN', '~', maxMail, '*', 'm', message, 'b', bytes)
end
call('PEXPIRE', box, mailbox)
`,
})

const ADD = `
local over = call('XLEN', changes) - maxChanges
if over > 0 then
  local lost = call('XRANGE', changes, '-', '+', 'COUNT', over)
  call('SET', trimmed, lost[#lost][1])
  call('XTRIM', changes, 'MAXLEN', maxChanges)
end
call('PEXPIRE', changes, longest)
call('PEXPIRE', trimmed, longest)
`

/**
 * Adds to the list of changes and removes the oldest.
 * Keys: the list; the position of the newest change that was removed. Arguments: how many the list keeps; how long both live
 * (ms). Lists: the changes. No reply.
 */
export const publish = defineScript('mcpPublish', {
  keys: ['changes', 'trimmed'],
  numbers: ['maxChanges', 'longest'],
  lists: ['added'],
  reply: nothing,
  lua: `
for _, change in ipairs(added) do call('XADD', changes, '*', 'c', change) end${ADD}`,
})

/** As `publish`. Reply: the id of the entry before the first of these, or 0-0, and their ids. */
export const publishToCopies = defineScript('mcpPublishToCopies', {
  keys: ['changes', 'trimmed'],
  numbers: ['maxChanges', 'longest'],
  lists: ['added'],
  reply: texts,
  lua: `
local before = call('XREVRANGE', changes, '+', '-', 'COUNT', 1)[1]
local ids = {before and before[1] or '0-0'}
for _, change in ipairs(added) do ids[#ids + 1] = call('XADD', changes, '*', 'c', change) end${ADD}
return ids
`,
})

const NEWEST = `
local newest = call('XREVRANGE', copy, '+', '-', 'COUNT', 1)[1]
local last = newest and newest[1]`

/**
 * Adds entries of the list of changes to a copy of it, each once. Where no instance waits for the copy there is none, and
 * nothing is added.
 * Keys: the copy. Arguments: the id of the entry before the first of these; how many the copy keeps; how long it lives (ms).
 * Lists: the ids; the changes. Reply: nil, or the newest id of a copy that lacks the entry before.
 */
export const addToCopy = defineScript('mcpAddToCopy', {
  keys: ['copy'],
  texts: ['before'],
  numbers: ['maxChanges', 'longest'],
  lists: ['ids', 'added'],
  reply: optional,
  lua: `${NEWEST}
if not last then return end
local function under(a, b)
  local ams, aseq = string.match(a, '(%d+)-(%d+)')
  local bms, bseq = string.match(b, '(%d+)-(%d+)')
  if ams ~= bms then return tonumber(ams) < tonumber(bms) end
  return tonumber(aseq) < tonumber(bseq)
end
if under(last, before) then return last end
for i, id in ipairs(ids) do
  if under(last, id) then call('XADD', copy, id, 'c', added[i]) end
end
call('XTRIM', copy, 'MAXLEN', maxChanges)
call('PEXPIRE', copy, longest)
`,
})

/**
 * Begins a copy of the list of changes, unless there is one. Its first entry stands for all up to a position, and is no change.
 * Keys: the copy. Arguments: the position; how long the copy lives (ms). Reply: the newest id of the copy.
 */
export const beginCopy = defineScript('mcpBeginCopy', {
  keys: ['copy'],
  texts: ['at'],
  numbers: ['longest'],
  reply: text,
  lua: `${NEWEST}
if not last then last = call('XADD', copy, at == '0-0' and '0-1' or at, 's', '') end
call('PEXPIRE', copy, longest)
return last
`,
})
