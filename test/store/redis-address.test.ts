/** The address of Redis and the numbers of a store are checked before anything is connected. */
import { describe, expect, test } from 'vitest'
import { memoryStore } from '../../lib/store/memory/index.ts'
import { readAddress } from '../../lib/store/redis/address.ts'
import { type RedisStoreOptions, redisStore } from '../../lib/store/redis/index.ts'
import { readPlace } from '../../lib/store/redis/place.ts'

describe('an address of Redis', () => {
  test.each([
    ['localhost:6379', /no scheme/],
    ['http://h', /scheme http/],
    ['unix:///', /path of a socket/],
    ['unix:secret.sock', /no scheme/],
    ['unix://u:secret@h/tmp/redis.sock', /unix:\/\/\/path/],
    ['unix:///tmp/redis.sock?tls=1', /none of db, username, password/],
    ['unix:///tmp/redis.sock?db=x', /number of a database/],
    ['unix:///tmp/redis.sock?db=1&db=2', /db twice/],
    ['unix://:secret@/tmp/redis.sock?password=other', /two passwords/],
    ['unix://secret@/tmp/redis.sock', /a user and no password/],
    ['unix:///tmp/redis.sock#x', /behind #/],
    ['rediss+unix:///tmp/redis.sock', /a socket has none/],
    ['redis+tls://h', /scheme redis\+tls/],
    ['sentinel://h/main', /scheme sentinel:.*redis\+sentinel/],
    ['redis+cluster://h/1', /database, and a cluster/],
    ['redis+cluster://h,', /empty item/],
    ['redis+cluster://a,h:0', /port/],
    ['redis+cluster://a,u:secret@b', /%2C/],
    ['redis+cluster://h?replica=1', /parameters/],
    ['redis+cluster://a,redis://b', /same scheme/],
    ['redis+sentinel://h', /no name of the primary/],
    ['redis+sentinel:///main', /no host/],
    ['redis+sentinel://h/main/x', /number of a database/],
    ['redis+sentinel://h/main/0/1', /number of a database/],
    ['redis+sentinel://h/ma%in', /%25/],
    ['redis+sentinel://h/main?password=secret', /none of sentinelUsername, sentinelPassword/],
    ['redis+sentinel://h/main?sentinelUsername=u', /sentinelUsername and no password/],
    ['redis+sentinel://a/main,redis+sentinel://b/main', /all of them are in one address/],
    ['redis://[::zz]:6379', /no address/],
    ['redis://h%41', /no address/],
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
    ['redis://:secret,word@h', /%2C/],
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

  const at = (host: string, port = 6_379) => ({ host, port })
  const sentinel = { name: 'main', username: undefined, password: undefined }
  test.each([
    ['redis://h', { nodes: [at('h')], tls: false, db: 0, cluster: false }],
    ['REDIS://h/', { tls: false, db: 0 }],
    [' rediss://h:6380/15 ', { nodes: [at('h', 6_380)], tls: true, db: 15 }],
    ['redis://[::1]:6379/0', { nodes: [at('::1')], db: 0 }],
    ['redis://bücher.example', { nodes: [at('xn--bcher-kva.example')] }],
    ['redis://default@h', { username: 'default', password: undefined }],
    ['redis://:p%40ss%2Cword@h', { username: undefined, password: 'p@ss,word' }],
    ['redis://:p@ss@h', { password: 'p@ss' }],
    ['redis://u:p@a:1,redis://b:2', { username: 'u', password: 'p', cluster: true, nodes: [at('a', 1), at('b', 2)] }],
    ['redis://u:p@a,redis://u:p@b', { username: 'u', cluster: true }],
    ['redis://u:p@a:1,b:2', { username: 'u', cluster: true, nodes: [at('a', 1), at('b', 2)] }],
    ['valkey://u:p@h/2', { tls: false, username: 'u', password: 'p', db: 2, cluster: false }],
    ['valkeys://h', { tls: true }],
    ['redis+cluster://h:7000', { cluster: true, tls: false, nodes: [at('h', 7_000)] }],
    ['rediss+cluster://u:p@a, b:2/', { cluster: true, tls: true, username: 'u', nodes: [at('a'), at('b', 2)] }],
    ['valkeys+cluster://h/0', { cluster: true, tls: true }],
    ['rediss+cluster://a,rediss+cluster://b', { cluster: true, nodes: [at('a'), at('b')] }],
    [
      'redis+sentinel://u:p@a,[::1]:5,c/main',
      {
        ...{ sentinel, username: 'u', password: 'p', db: 0, tls: false, cluster: false },
        nodes: [at('a', 26_379), at('::1', 5), at('c', 26_379)],
      },
    ],
    ['valkeys+sentinel://h/main/3', { sentinel, tls: true, db: 3 }],
    [
      'redis+sentinel://h/a%20b?sentinelUsername=s%26&sentinelPassword=p+w%3D',
      { sentinel: { name: 'a b', username: 's&', password: 'p+w=' }, username: undefined },
    ],
    ['unix:///tmp/a%20b/redis.sock', { socket: '/tmp/a b/redis.sock', cluster: false, db: 0, nodes: [] }],
    ['unix://u:p@/tmp/redis.sock?db=3', { socket: '/tmp/redis.sock', username: 'u', password: 'p', db: 3 }],
    ['redis+unix:///r.sock?username=u&password=p', { socket: '/r.sock', username: 'u', password: 'p', db: 0 }],
  ])('%s is read', (url, expected) => {
    expect(readPlace(url, undefined)).toMatchObject(expected)
  })

  test.each([
    'redis://h',
    'rediss://H.example.com:65535/',
    'redis://127.0.0.1:1/15',
    'valkeys://us-er:p~w!@cache.example:6380',
    'redis://:pass.word@h/0',
  ])('%s is read alike by the reader of plain addresses and by that of all', (url) => {
    expect(readPlace(url, undefined)).toEqual(readAddress(url, undefined))
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
