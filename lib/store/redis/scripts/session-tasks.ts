/** Scripts on those who wait for a task, and on the tasks of a session. The record is that of tasks.ts. */
import type { WatchReply } from '../../tasks.ts'
import { list, number, text, texts } from './decode.ts'
import { defineScript } from './script.ts'
import { FIND, readView, UNKNOWN, VIEW } from './task-parts.ts'

/**
 * Names a connection in replies about the task, and finds whether it sends what that asks.
 * Keys: the record; the session and its live parts. Arguments: the connection, and the stream on which it would ask ('': none); for how
 * long it is named, and asks (ms; 0: no longer). Reply: 'unknown', or the view, its turn to ask (0: none), and those whom it leaves that to.
 */
export const watchTask = defineScript('mcpTaskWatch', {
  keys: ['task', 'session', 'live'],
  texts: ['watcher', 'stream'],
  numbers: ['lifetime', 'asksFor'],
  flags: ['bound'],
  lists: ['backOff'],
  reply(reply): WatchReply {
    const [view, turn, watchers] = list(reply)
    if (view === UNKNOWN) return { status: UNKNOWN }
    return { status: 'ok', view: readView(view), turn: number(turn) || undefined, watchers: texts(watchers) }
  },
  lua: `${FIND}${VIEW}
if dead then return { 'unknown' } end
local all = lifetime > 0 and { watcher .. ' ' .. (now() + lifetime) } or {}
for one, till in string.gmatch(call('HGET', task, 'w') or '', '(%S+) (%S+)') do
  if one ~= watcher and tonumber(till) > now() then all[#all + 1] = one .. ' ' .. till end
end
call('HSET', task, 'w', table.concat(all, ' '))
if stream == '' then return { view(), 0, {} } end
local by, till, turn = string.match(call('HGET', task, 'asks') or '', '(%S*) (%S+) (%S+)')
turn = tonumber(turn or 0)
if asksFor <= 0 then
  if by ~= stream then return { view(), 0, {} } end
  call('HSET', task, 'asks', ' 0 ' .. turn)
  return { view(), 0, watchers() }
end
if by ~= stream then
  if by and tonumber(till) > now() then return { view(), 0, {} } end
  turn = turn + 1
elseif call('HEXISTS', live, 's:' .. stream) == 0 then
  -- Nobody reads it now: it keeps its turn until its time is over, and then for as long as no other wants it.
  return { view(), turn, {} }
end
call('HSET', task, 'asks', stream .. ' ' .. (now() + asksFor) .. ' ' .. turn)
return { view(), turn, {} }
`,
})

/** The names of the tasks of a session that has ended. Keys: the session; its tasks. Reply: the names. */
export const leftTasks = defineScript('mcpTasksLeft', {
  keys: ['session', 'tasks'],
  reply: texts,
  lua: `if call('EXISTS', session) == 1 then return {} end
return call('ZRANGE', tasks, 0, -1)
`,
})

/** Removes a task of a session that has ended. Keys: the session; its tasks; the record. Argument: its name. Reply: the run that had its leg. */
export const dropTask = defineScript('mcpTaskDrop', {
  keys: ['session', 'tasks', 'task'],
  texts: ['id'],
  reply: (reply) => text(reply) || undefined,
  lua: `if call('EXISTS', session) == 1 then return '' end
local own = call('HGET', task, 'own')
call('UNLINK', task)
call('ZREM', tasks, id)
return own or ''
`,
})

/** The names of the tasks of a session. Keys: the session; its tasks. Reply: the names, the oldest first. */
export const listTasks = defineScript('mcpTaskList', {
  keys: ['session', 'tasks'],
  gone: '{}',
  reply: texts,
  lua: `return call('ZRANGE', tasks, 0, -1)\n`,
})
