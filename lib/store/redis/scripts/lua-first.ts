/** Lua functions of the scripts that open a session: they are loaded at the start, those of lua.ts when they are used. */

/** `now()`: ms since 1970, by the clock of Redis. One script has one time. */
export const NOW = `
local moment
local function now()
  if not moment then
    local time = call('TIME')
    moment = time[1] * 1000 + math.floor(time[2] / 1000)
  end
  return moment
end
`

/**
 * `extend(session, lifetime, most)`: the session lives for `lifetime` ms from now on, but not beyond its end, nor for more than
 * `most` ms in all: that setting may be less now than when the session was opened. Returns the time.
 */
export const EXTEND = `
local function extend(session, lifetime, most)
  local time = now()
  local latest = (tonumber(call('HGET', session, 'born') or '') or time) + most
  local ends = tonumber(call('HGET', session, 'end') or '') or latest
  call('PEXPIRE', session, math.min(lifetime, latest - time, ends - time))
  return time
end
`

/**
 * What a session, or a client, keeps in the store: the sorted set `held` has a part by the time when it expires, the hash
 * `sizes` its bytes and, as '', the sum of all. Only these functions write to them: an instance of an earlier build counts nothing,
 * and each part that is counted ends with its time.
 * `purge(held, sizes, most)`: forgets parts whose time is over; returns the sum.
 * `hold(held, sizes, name, bytes, ttl, longest)`: a part has so many bytes (0: it is gone) for `ttl` ms; returns the sum.
 */
export const HOLD = `${NOW}
local function expire(held, sizes, most)
  for _, name in ipairs(call('ZRANGEBYSCORE', held, '-inf', now(), 'LIMIT', 0, most)) do
    call('HINCRBY', sizes, '', 0 - (call('HGET', sizes, name) or 0))
    call('HDEL', sizes, name)
    call('ZREM', held, name)
  end
end
local function purge(held, sizes, most)
  expire(held, sizes, most)
  return tonumber(call('HGET', sizes, '') or 0)
end
local function hold(held, sizes, name, bytes, ttl, longest)
  expire(held, sizes, 20)
  local before = call('HGET', sizes, name) or 0
  if bytes > 0 then
    call('HSET', sizes, name, bytes)
    call('ZADD', held, now() + ttl, name)
  else
    call('HDEL', sizes, name)
    call('ZREM', held, name)
  end
  local sum = call('HINCRBY', sizes, '', bytes - before)
  call('PEXPIRE', held, longest)
  call('PEXPIRE', sizes, longest)
  return sum
end
`
