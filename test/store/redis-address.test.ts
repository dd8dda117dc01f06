/** The address of Redis and the numbers of a store are checked before anything is connected. */
import { describe, expect, test } from 'vitest'
import { memoryStore } from '../../lib/store/memory/index.ts'
import { type RedisStoreOptions, redisStore } from '../../lib/store/redis/index.ts'
import { readPlace } from '../../lib/store/redis/place.ts'

describe('an address of Redis', () => {
  test.each([
    ['localhost:6379', /no scheme/],
    ['http://h', /scheme http/],
    ['unix:///', /path of a socket/],
    ['unix:secret.sock', /path of a socket|host/],
    ['unix://u:secret@h/tmp/redis.sock', /unix:\/\/\/path/],
    ['unix:///tmp/redis.sock?db=3', /behind \?/],
    ['unix:///tmp/a.sock,unix:///tmp/b.sock', /a socket/],
    ['redis://', /no (?:host|address)/],
    ['redis://:6379', /no (?:host|address)/],
    ['redis:///3', /no (?:host|address)/],
    ['redis://h:0', /port/],
    ['redis://h:65536', /port/],
    ['redis://u:p@h:70000/1', /port/],
    ['redis://h:port', /no address/],
    ['redis://h/abc', /path/],
    ['redis://h/3/4', /path/],
    ['redis://h/-1', /path/],
    ['redis://h/1.5', /path/],
    ['redis://h?db=3', /redis:\/\/host:6379\/3/],
    ['redis://h/2?db=3', /redis:\/\/host:6379\/3/],
    ['redis://h?', /parameters/],
    ['redis://h?tls=true', /parameters/],
    ['redis://h#x', /behind #/],
    ['redis://:a%zzsecret@h', /%25/],
    ['redis://:secret%@h', /%25/],
    ['redis://secret@h', /a user and no password/],
    ['redis://:secret,word@h', /%2C|no host|no address/],
    ['redis://:pa/secret@h', /%2F/],
    ['', /missing/],
    [' , ', /missing/],
    ['redis://a,,redis://b', /empty item/],
    ['redis://a,', /empty item/],
    ['redis://a,rediss://b', /same scheme/],
    ['redis://:secret@a,redis://:other@b', /same user/],
    ['redis://a/1,redis://b', /database/],
  ])('%s is refused in one line that shows no secret', (url, reason) => {
    const read = () => redisStore(url)
    expect(read).toThrow(TypeError)
    expect(read).toThrow(reason)
    try {
      read()
    } catch (error) {
      expect((error as Error).message).not.toMatch(/secret|\n/)
    }
  })

  test.each([
    ['redis://h', { tls: false, db: 0, cluster: false }],
    ['REDIS://h/', { tls: false, db: 0 }],
    [' rediss://h:6380/15 ', { tls: true, db: 15 }],
    ['redis://[::1]:6379/0', { db: 0 }],
    ['redis://default@h', { username: 'default', password: undefined }],
    ['redis://:p%40ss%2Cword@h', { username: undefined, password: 'p@ss,word' }],
    ['redis://u:p@a:1,redis://b:2', { username: 'u', password: 'p', cluster: true }],
    ['redis://u:p@a,redis://u:p@b', { username: 'u', cluster: true }],
    ['unix:///tmp/a%20b/redis.sock', { socket: '/tmp/a b/redis.sock', cluster: false, db: 0 }],
  ])('%s is read', (url, expected) => {
    expect(readPlace(url, undefined)).toMatchObject(expected)
  })

  test('is given once', () => {
    expect(() => redisStore({ url: 'redis://a', cluster: ['redis://b'] })).toThrow(/twice/)
    expect(() => redisStore({ cluster: [] })).toThrow(/missing/)
    expect(() => redisStore({})).toThrow(/missing/)
  })

  test('that is a variable without a value stops the start with a line that names it', () => {
    const { REDIS_URL_OF_NOBODY } = process.env
    expect(() => redisStore(REDIS_URL_OF_NOBODY)).toThrow(/^The address of Redis is missing \(is REDIS_URL set\?\)/)
  })
})

describe('a number of a store', () => {
  const wrong: RedisStoreOptions[] = [
    { commandTimeout: 0 },
    { commandTimeout: Number.NaN },
    { blockTime: -1 },
    { changes: 0 },
    { lifetimes: { open: 0 } },
    { lifetimes: { repeat: 1.5 } },
    { lifetimes: { longest: Number.POSITIVE_INFINITY } },
    { log: { messages: 0 } },
    { log: { bytes: '16' as never } },
  ]
  test.each(wrong)('%o is refused by its name', (options) => {
    const [name = ''] = Object.keys(options)
    expect(() => redisStore({ url: 'redis://h', ...options })).toThrow(new RegExp(`^${name}.* whole number from 1 on`))
    if (!('commandTimeout' in options || 'blockTime' in options)) {
      expect(() => memoryStore(options)).toThrow(/whole number from 1 on/)
    }
  })
})
