/** The first contact of a store with Redis: its version, its user, its database, and the server whose prefix it is. */
import { createServer, type Server, type Socket } from 'node:net'
import { Redis } from 'ioredis'
import { afterEach, describe, expect, test } from 'vitest'
import { createEndpoint } from '../../lib/endpoint.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { type RedisStoreOptions, redisStore } from '../../lib/store/redis/index.ts'
import { sealedStore } from '../../lib/store/sealed.ts'
import { type Store, StoreRefused, StoreUnavailable } from '../../lib/store/store.ts'
import { freePort } from '../support/ports.ts'
import { startCluster, startRedis } from '../support/redis.ts'
import { MINUTE, newKey, until } from './contract/support.ts'
import { inboxOf, redisFixture } from './redis-fixture.ts'

const f = redisFixture()

/** A store for a server of this name. */
function storeOf(server: string, options: RedisStoreOptions = {}): Store {
  const store = f.open(options)
  store.serve?.(server)
  return store
}

const fails = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: Error) => error,
  )

describe('the name of the server', () => {
  test('claims the prefix, with a lifetime', async () => {
    await storeOf('notes').ping()
    await storeOf('notes').ping()
    expect(await f.admin.hgetall('mcp:server')).toEqual({ name: 'notes' })
    expect(await f.admin.pttl('mcp:server')).toBeGreaterThan(86_400_000)
    for (const key of await f.admin.keys('*')) expect(await f.admin.pttl(key), key).toBeGreaterThan(0)
  })

  test('is refused where another server has the prefix, with a line that says what to set', async () => {
    await storeOf('notes').ping()
    const errors: unknown[] = []
    const other = storeOf('mail', { onError: (error) => errors.push(error) })
    const key = newKey()
    const failures = await Promise.all([
      fails(other.ping()),
      fails(other.readSession(key, MINUTE)),
      fails(other.createSession(key, 'r', MINUTE)),
      fails(other.setValue('user', 'a', 'of mail', MINUTE)),
      fails(other.publish({ kind: 'tools' })),
      fails(other.receive('i1', inboxOf().receiver)),
      fails(other.count('c', 1, MINUTE)),
    ])
    for (const failure of failures) expect(failure).toBeInstanceOf(StoreRefused)
    expect(failures[0]?.message).toMatch(/prefix mcp .*"notes".*"mail".*REDIS_PREFIX.*REDIS_RENAMED_FROM=notes/)
    expect(failures[0]?.message).not.toContain('\n')
    expect(errors).toEqual([failures[0]])
    expect(await f.admin.exists('mcp:user:a', 'mcp:{bus}:changes', 'mcp:count:c')).toBe(0)
    expect(await f.admin.hget('mcp:server', 'name')).toBe('notes')
  })

  test('is refused at the first request too, which reads nothing of the other server', async () => {
    const key = newKey()
    const notes = storeOf('notes')
    await notes.createSession(key, 'of notes', MINUTE)
    expect(await fails(storeOf('mail').readSession(key, undefined))).toBeInstanceOf(StoreRefused)
    expect(await storeOf('notes').readSession(key, undefined)).toMatchObject({ record: 'of notes' })
  })

  test('goes over to a new name, while instances of both names run', async () => {
    const [before, key] = [storeOf('notes'), newKey()]
    await before.createSession(key, 'r', MINUTE)
    const after = storeOf('memos', { renamedFrom: 'notes' })
    expect(await after.readSession(key, undefined)).toMatchObject({ record: 'r' })
    // An instance of the earlier name that starts during the deployment, and one that runs.
    expect(await storeOf('notes').readSession(key, undefined)).toMatchObject({ record: 'r' })
    expect(await before.readSession(key, undefined)).toMatchObject({ record: 'r' })
    expect(await fails(storeOf('mail').ping())).toBeInstanceOf(StoreRefused)
    expect(await fails(storeOf('mail', { renamedFrom: 'posts' }).ping())).toBeInstanceOf(StoreRefused)
    // The next deployment no longer says that there was another name.
    await storeOf('memos').ping()
    expect(await fails(storeOf('notes').ping())).toBeInstanceOf(StoreRefused)
    expect(await f.admin.hgetall('mcp:server')).toEqual({ name: 'memos' })
    expect(await f.admin.pttl('mcp:server')).toBeGreaterThan(86_400_000)
  })

  test('is free again once its claim has expired', async () => {
    await storeOf('notes', { lifetimes: { longest: 50 } }).ping()
    await until(async () => (await f.admin.exists('mcp:server')) === 0)
    expect(await fails(storeOf('mail').ping())).toBeUndefined()
  })

  test('is one for each store', () => {
    const store = storeOf('notes')
    store.serve?.('notes')
    expect(() => store.serve?.('mail')).toThrow(/"notes" and "mail".*prefix/)
  })

  test('is claimed through the seal, and not by a process that only announces changes', async () => {
    await f.open().publish({ kind: 'tools' })
    expect(await f.admin.exists('mcp:server')).toBe(0)
    const sealed = sealedStore(f.open(), [Buffer.alloc(32, 'k')])
    sealed.serve?.('notes')
    await sealed.ping()
    expect(await f.admin.hget('mcp:server', 'name')).toBe('notes')
  })

  test('is claimed later where Redis is full, and sessions can be deleted meanwhile', async () => {
    const key = newKey()
    await f.open().createSession(key, 'r', MINUTE)
    await f.admin.config('SET', 'maxmemory', '1')
    try {
      const store = storeOf('notes')
      expect(await store.readSession(key, undefined)).toMatchObject({ record: 'r' })
      expect((await store.deleteSession(key)).status).toBe('ok')
    } finally {
      await f.admin.config('SET', 'maxmemory', '0')
    }
  })
})

describe('the prefix', () => {
  test('separates sessions, values, counts, changes and mail of two servers, each with rights for its own keys', async () => {
    const names = ['notes', 'mail'] as const
    for (const name of names) {
      const rights = `on >pw ~${name}:* resetchannels -@all +@read +@write +@scripting +@connection -@dangerous +info +time`
      await f.admin.acl('SETUSER', name, ...rights.split(' '))
    }
    const [notes, mail] = names.map((name) =>
      storeOf(name, { prefix: name, url: `redis://${name}:pw@127.0.0.1:${f.server.port}` }),
    ) as [Store, Store]
    const key = newKey()
    await notes.createSession(key, 'of notes', MINUTE, { id: 'p', max: 1 })
    expect(await mail.readSession(key, MINUTE)).toBeUndefined()
    expect(await mail.createSession(newKey(), 'r', MINUTE, { id: 'p', max: 1 })).toEqual({ status: 'ok' })
    await notes.setValue('user', 'a', 'of notes', MINUTE)
    expect(await mail.getValue('user', 'a')).toBeUndefined()
    expect([await notes.count('c', 1, MINUTE), await mail.count('c', 1, MINUTE)]).toEqual([1, 1])
    expect([await notes.occupy('o', 'm', MINUTE), await mail.occupy('o', 'n', MINUTE)]).toEqual([1, 1])
    const [here, there] = [inboxOf(), inboxOf()]
    const receiving = [await notes.receive('i', here.receiver), await mail.receive('i', there.receiver)]
    await notes.up('i', MINUTE, '1')
    expect(await mail.alive(['i'])).toEqual([false])
    await notes.send('i', 'for notes')
    await notes.publish({ kind: 'tools' })
    await mail.send('i', 'for mail')
    await mail.publish({ kind: 'prompts' })
    expect(await here.inbox.have(2)).toEqual(['for notes', 'tools'])
    expect(await there.inbox.have(2)).toEqual(['for mail', 'prompts'])
    expect(await mail.deleteSession(key, { id: 'p' })).toEqual({ status: 'gone' })
    expect(await notes.readSession(key, undefined)).toMatchObject({ record: 'of notes' })
    await Promise.all(receiving.map((one) => one.stop()))
    await notes.down('i')
    const all = await f.admin.keys('*')
    expect(all.filter((name) => !/^(?:notes|mail):/.test(name))).toEqual([])
  })

  test('is refused by the rights of the user before anything is served', async () => {
    await f.admin.acl('SETUSER', 'narrow', ...'on >pw ~mail:* -@all +@all'.split(' '))
    const url = `redis://narrow:pw@127.0.0.1:${f.server.port}`
    expect(await fails(storeOf('notes', { url, prefix: 'notes' }).ping())).toMatchObject({ name: 'StoreRefused' })
  })

  test.each(['', 'a:b', '{a}', 'a b', '-a', 'a*', 'é', 'a'.repeat(65), 7 as never])('cannot be %j', (prefix) => {
    expect(() => redisStore({ url: f.server.url, prefix })).toThrow(/^The prefix of the keys must be 1 to 64 letters/)
  })

  test('and its claim work in a cluster', async () => {
    const cluster = await startCluster()
    const stores = ['notes', 'mail'].map((name) => redisStore({ cluster: cluster.urls, prefix: name }))
    const [notes, mail] = stores as [Store, Store]
    try {
      notes.serve?.('notes')
      mail.serve?.('mail')
      await Promise.all([notes.ping(), mail.ping()])
      const key = newKey()
      await notes.createSession(key, 'of notes', MINUTE)
      expect(await mail.readSession(key, undefined)).toBeUndefined()
      expect(await notes.readSession(key, MINUTE)).toMatchObject({ record: 'of notes' })
      const wrong = redisStore({ cluster: cluster.urls, prefix: 'notes' })
      stores.push(wrong)
      wrong.serve?.('mail')
      expect(await fails(wrong.readSession(key, undefined))).toBeInstanceOf(StoreRefused)
    } finally {
      await Promise.all(stores.map((store) => store.close()))
      await cluster.stop()
    }
  })
})

describe('a Redis that refuses the store', () => {
  const fromAdmin = async (options: RedisStoreOptions) =>
    fails(storeOf('notes', { commandTimeout: 2_500, ...options }).ping())

  test.each([
    ['a password that is wrong', ':wrong@', '', /WRONGPASS/],
    ['a user that it does not have', 'nobody:pw@', '', /WRONGPASS/],
    ['no password', '', '', /NOAUTH/],
    ['a database that it does not have', ':secret@', '/99', /DB index is out of range/],
  ])('for %s says so, and writes nothing', async (_name, credentials, path, cause) => {
    const guarded = await startRedis({ args: ['--requirepass', 'secret'] })
    const admin = new Redis({ port: guarded.port, password: 'secret' })
    try {
      const errors: Error[] = []
      const url = `redis://${credentials}127.0.0.1:${guarded.port}${path}`
      const store = storeOf('notes', { url, commandTimeout: 2_500, onError: (error) => errors.push(error as Error) })
      const failure = await fails(store.createSession(newKey(), 'r', MINUTE))
      expect(failure).toBeInstanceOf(StoreRefused)
      expect(failure?.message).toMatch(cause)
      expect(failure?.message).not.toContain('secret')
      expect(await fails(store.createSession(newKey(), 'r', MINUTE))).toBeInstanceOf(StoreRefused)
      expect(errors).toHaveLength(1)
      expect(await admin.dbsize()).toBe(0)
    } finally {
      admin.disconnect()
      await guarded.stop()
    }
  })

  test('is no refusal where none can be reached, and where it speaks no TLS', async () => {
    const closed = await fromAdmin({ url: `redis://127.0.0.1:${await freePort()}` })
    const plain = await fromAdmin({ url: `rediss://127.0.0.1:${f.server.port}` })
    for (const failure of [closed, plain]) {
      expect(failure).toBeInstanceOf(StoreUnavailable)
      expect(failure).not.toBeInstanceOf(StoreRefused)
    }
    expect(closed?.message).toContain('ECONNREFUSED')
  })

  test('reports once that it cannot be reached, and again after it was back', async () => {
    const gone = await startRedis()
    await gone.kill()
    const errors: Error[] = []
    const store = storeOf('notes', { url: gone.url, onError: (error) => errors.push(error as Error) })
    for (let i = 0; i < 3; i++) expect(await fails(store.ping())).toBeInstanceOf(StoreUnavailable)
    expect(errors.map(({ message }) => message)).toEqual([expect.stringContaining('ECONNREFUSED')])
    await gone.restart()
    await until(async () => (await fails(store.ping())) === undefined)
    await gone.kill()
    for (let i = 0; i < 3; i++) expect(await fails(store.ping())).toBeInstanceOf(StoreUnavailable)
    expect(errors).toHaveLength(2)
    await gone.stop()
  })
})

describe('a server', () => {
  let fake: Server | undefined
  const sockets = new Set<Socket>()
  afterEach(() => {
    for (const socket of sockets) socket.destroy()
    fake?.close()
  })

  /**
   * Answers HELLO, or where it has none INFO, with a version, COMMAND INFO as one that has the commands or has not, and all else
   * with nil. With `after` it is silent until it has that command.
   */
  async function serve(given: {
    version?: string | undefined
    hasHello?: boolean
    commands?: string
    after?: string
  }): Promise<{ url: string; names: string[]; writes: string[][] }> {
    const { version, hasHello = true, commands = HAS, after } = given
    const names: string[] = []
    const writes: string[][] = []
    let waiting = ''
    const bulk = (text: string) => `$${text.length}\r\n${text}\r\n`
    const fields = ['server', 'redis', ...(version === undefined ? [] : ['version', version]), 'mode', 'standalone']
    const hello = `%${fields.length / 2}\r\n${fields.map(bulk).join('')}`
    const info = `# Server\r\n${version === undefined ? '' : `redis_version:${version}\r\n`}redis_mode:standalone\r\n`
    const replies: Record<string, string> = {
      hello: hasHello ? hello : "-ERR unknown command 'HELLO'\r\n",
      info: bulk(info),
      command: commands,
      hmget: '*3\r\n$-1\r\n$-1\r\n$-1\r\n',
    }
    const port = await freePort()
    fake = createServer((socket) => {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.setEncoding('utf8').on('data', (text: string) => {
        const sent = [...text.matchAll(/\*\d+\r\n\$\d+\r\n(\w+)\r\n/g)].map(([, name = '']) => name.toLowerCase())
        names.push(...sent)
        writes.push(sent)
        for (const name of sent) waiting += replies[name] ?? '$-1\r\n'
        if (after !== undefined && !names.includes(after)) return
        socket.write(waiting)
        waiting = ''
      })
    })
    await new Promise<void>((resolve) => fake?.listen(port, '127.0.0.1', resolve))
    return { url: `redis://127.0.0.1:${port}`, names, writes }
  }
  const HAS = '*1\r\n*1\r\n$5\r\ngetex\r\n'
  const HAS_NOT = '*1\r\n*-1\r\n'
  const UNKNOWN = '-ERR unknown command\r\n'

  test('gets the greeting, the claim and the first command of a session in one write', async () => {
    const { url, names, writes } = await serve({ version: '7.2.0', after: 'hmget' })
    const store = storeOf('notes', { url })
    expect(await store.readSession('k', undefined)).toBeUndefined()
    expect(writes).toEqual([['hello', 'eval', 'hmget']])
    expect(await store.readSession('k', undefined)).toBeUndefined()
    expect(names.slice(3)).toEqual(['hmget'])
  })

  test('without HELLO is asked with INFO', async () => {
    const { url, names } = await serve({ version: '7.2.0', hasHello: false })
    expect(await storeOf('notes', { url }).readSession('k', undefined)).toBeUndefined()
    expect(names).toEqual(['hello', 'eval', 'hmget', 'info'])
  })

  describe.each([
    ['HELLO', true],
    ['INFO', false],
  ])('that says its version in %s', (_how, hasHello) => {
    test.each([
      ['6.0.16', HAS_NOT],
      ['6.1.240', HAS_NOT],
      ['5.0.14', UNKNOWN],
    ])('of the version %s is refused with a line that names what is needed', async (version, commands) => {
      const { url, names } = await serve({ version, hasHello, commands })
      const store = storeOf('notes', { url })
      const failure = await fails(store.readSession('k', MINUTE))
      expect(failure).toBeInstanceOf(StoreRefused)
      expect(failure?.message).toContain(`Redis 6.2 or later is needed, and this one is ${version}`)
      expect(names).toContain('command')
    })

    test.each([
      ['6.2.0', HAS_NOT],
      ['7.2.4', HAS_NOT],
      ['10.0.0', HAS_NOT],
      ['1.9', HAS],
    ])('of the version %s is used', async (version, commands) => {
      const errors: unknown[] = []
      const { url } = await serve({ version, hasHello, commands })
      const store = storeOf('notes', { url, onError: (error) => errors.push(error) })
      expect(await store.readSession('k', MINUTE)).toBeUndefined()
      expect(errors).toEqual([])
    })

    test.each([
      [undefined, HAS],
      ['unstable', HAS],
      ['unstable', UNKNOWN],
    ])('of the version %s is used with a warning', async (version, commands) => {
      const errors: Error[] = []
      const { url } = await serve({ version, hasHello, commands })
      const store = storeOf('notes', { url, onError: (error) => errors.push(error as Error) })
      for (let i = 0; i < 2; i++) expect(await store.readSession('k', MINUTE)).toBeUndefined()
      expect(errors).toEqual([expect.objectContaining({ name: 'Warning', message: expect.stringContaining('6.2') })])
      if (version !== undefined) expect(errors[0]?.message).toContain('"unstable"')
    })

    test('of an old version fails the first request of an instance, whose log has the line', async () => {
      const errors: Error[] = []
      const { url } = await serve({ version: '6.0.16', hasHello, commands: HAS_NOT })
      const store = f.open({ url, onError: (error) => errors.push(error as Error) })
      store.open?.()
      const { fetch } = createEndpoint(new McpServer({ name: 'notes', version: '1' }), { store })
      const session = { 'Mcp-Session-Id': 'x', 'Content-Type': 'application/json', Accept: 'application/json' }
      const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' })
      const response = await fetch(new Request('http://localhost/mcp', { method: 'POST', headers: session, body }))
      expect(response.status).toBe(503)
      expect(await response.text()).toContain('its operator finds the reason in the log')
      expect(errors.map(({ message }) => message)).toEqual([
        expect.stringMatching(/^Redis 6\.2 or later is needed.*6\.0\.16/),
      ])
    })

    test('of no version that lacks a command is refused', async () => {
      const { url } = await serve({ hasHello, commands: HAS_NOT })
      expect(await fails(storeOf('notes', { url }).readSession('k', MINUTE))).toBeInstanceOf(StoreRefused)
    })
  })
})
