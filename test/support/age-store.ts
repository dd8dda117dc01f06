/** Lets time pass in a Redis without waiting: everything in it becomes older. */
import type { Redis } from 'ioredis'

/**
 * Takes `ms` from each lifetime, and from each moment that is written there: since when and until when calls are suspended (`z:`),
 * deadlines of asks (`t:`), ends of sessions, and when what is counted expires. Arguments: ms.
 */
const AGE = `
local ms = tonumber(ARGV[1])
for _, key in ipairs(redis.call('KEYS', '*')) do
  local left = redis.call('PTTL', key)
  if left >= 0 and left <= ms then redis.call('DEL', key)
  else
    if left >= 0 then redis.call('PEXPIRE', key, left - ms) end
    local type = redis.call('TYPE', key).ok
    if type == 'hash' then
      for _, field in ipairs(redis.call('HKEYS', key)) do
        local value = redis.call('HGET', key, field)
        local name = string.match(field, '^%S+ (.*)$') or field
        if string.find(name, '^t:') or field == 'end' or field == 'born' or field == 'slid' then
          if tonumber(value) then redis.call('HSET', key, field, string.format('%.0f', tonumber(value) - ms)) end
        elseif string.find(name, '^z:') then
          local since, to, asks = string.match(value, '^(%d+) (%d+)(.*)$')
          if since then redis.call('HSET', key, field, string.format('%.0f %.0f', since - ms, to - ms) .. asks) end
        end
      end
    elseif type == 'zset' and string.find(key, ':held') then
      for _, name in ipairs(redis.call('ZRANGE', key, 0, -1)) do redis.call('ZINCRBY', key, -ms, name) end
    end
  end
end
`

export async function ageStore(redis: Redis, ms: number): Promise<void> {
  await redis.eval(AGE, 0, String(Math.round(ms)))
}
