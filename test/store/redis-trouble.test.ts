/** What the errors of Redis mean, as the store reports them. */
import { ReplyError } from 'ioredis'
import { describe, expect, test } from 'vitest'
import { isInterruption, isReadonly, unavailable } from '../../lib/store/redis/trouble.ts'
import { StoreUnavailable } from '../../lib/store/store.ts'
import { startRedis } from '../support/redis.ts'
import { until } from './contract/support.ts'
import { answers, redisFixture } from './redis-fixture.ts'

const f = redisFixture()
const MINUTE = 60_000

const inScript = (reply: string) => `ERR Error running script (call to f_0123456789abcdef): @user_script:7: -${reply}`

test.each([
  ["OOM command not allowed when used memory > 'maxmemory'.", 'full'],
  ["OOM command not allowed when used memory > 'maxmemory'. script: 0123, on @user_script:12.", 'full'],
  [inScript("OOM command not allowed when used memory > 'maxmemory'."), 'full'],
  ['LOADING Redis is loading the dataset in memory', 'loading'],
  ["READONLY You can't write against a read only replica.", 'readonly'],
  [inScript("READONLY You can't write against a read only replica."), 'readonly'],
  ['MISCONF Redis is configured to save RDB snapshots, but it is currently unable to persist to disk.', 'readonly'],
  ['NOREPLICAS Not enough good replicas to write.', 'readonly'],
  ['NOAUTH Authentication required.', 'denied'],
  ['WRONGPASS invalid username-password pair or user is disabled.', 'denied'],
  ["NOPERM User app has no permissions to run the 'evalsha' command", 'denied'],
  ['MOVED 3999 127.0.0.1:6381', 'moved'],
  ['CLUSTERDOWN The cluster is down', 'moved'],
  ["ERR unknown command 'XAUTOCLAIM', with args beginning with: ", 'outdated'],
  ['ERR Unknown Redis command called from script script: 0123, on @user_script:1.', 'outdated'],
  [
    'ERR Error running script (call to f_01): @user_script:5: @user_script: 5: Unknown Redis command called from Lua script',
    'outdated',
  ],
  ['ERR max number of clients reached', 'away'],
  ['BUSY Redis is busy running a script.', 'away'],
] as const)('%s', (message, trouble) => {
  const error = unavailable(new ReplyError(message))
  expect(error).toMatchObject({ trouble, cause: { message } })
  // No word of the reply is for clients.
  expect(error.predicate).toMatch(/^(did|is|takes|does|has) [a-z ]+$/)
})

test('the reply to a command is a better reason than an earlier failure to connect, and that is better than a timeout', () => {
  const refused = new Error('connect ECONNREFUSED')
  expect(unavailable(new ReplyError('OOM command not allowed'), refused).trouble).toBe('full')
  const timeout = new StoreUnavailable('Redis did not answer within 10 ms.')
  expect(unavailable(timeout, new ReplyError('WRONGPASS invalid')).trouble).toBe('denied')
  expect(unavailable(timeout)).toBe(timeout)
})

test('a command that meets a former primary is sent again, on another connection, in a script too', () => {
  for (const message of ['READONLY no', inScript('READONLY no')]) {
    expect(isReadonly(new ReplyError(message))).toBe(true)
    expect(isInterruption(new ReplyError(message))).toBe(true)
  }
  for (const message of ['OOM READONLY', inScript('OOM no'), 'ERR READONLY']) {
    expect(isReadonly(new ReplyError(message))).toBe(false)
    expect(isInterruption(new ReplyError(message))).toBe(false)
  }
})

describe('the store reports', () => {
  test('that Redis is full, a replica, or lets nobody in, and goes on when that is over', async () => {
    const store = f.open()
    const troubled = (trouble: string) => expect(store.ping()).rejects.toMatchObject({ trouble })
    await store.createSession('k', 'r', MINUTE)
    await f.admin.config('SET', 'maxmemory', '1')
    await troubled('full')
    await expect(store.createSession('l', 'r', MINUTE)).rejects.toMatchObject({ trouble: 'full' })
    await f.admin.config('SET', 'maxmemory', '0')
    await store.ping()
    await f.admin.replicaof('127.0.0.1', 1)
    await troubled('readonly')
    await expect(store.createSession('l', 'r', MINUTE)).rejects.toMatchObject({ trouble: 'readonly' })
    await f.admin.replicaof('NO', 'ONE')
    await store.ping()
    expect(await store.createSession('l', 'r', MINUTE)).toEqual({ status: 'ok' })
  })

  test('a missing password, a wrong one, and a command that the user may not run', async () => {
    const locked = await startRedis({ args: ['--requirepass', 'secret'] })
    const { host, port } = locked
    await expect(f.open({ url: locked.url }).ping()).rejects.toMatchObject({ trouble: 'denied' })
    await expect(f.open({ url: `redis://:wrong@${host}:${port}` }).ping()).rejects.toMatchObject({ trouble: 'denied' })
    const admin = f.open({ url: `redis://:secret@${host}:${port}` })
    await until(() => answers(admin))
    await f.admin.acl('SETUSER', 'reader', 'on', '>pass', '~*', '+@read', '+@connection', '+info')
    const reader = f.open({ url: `redis://reader:pass@${f.server.host}:${f.server.port}` })
    await expect(reader.ping()).rejects.toMatchObject({ trouble: 'denied' })
    await f.admin.acl('DELUSER', 'reader')
    await locked.stop()
  })
})
