/** The environment of a process: variables that are read, values that stop the start, and warnings. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Group } from '../../lib/base/setting.ts'
import { BadSetting, kindOf, parseEnvironment } from '../../lib/platform/environment.ts'
import { SETTINGS } from '../../lib/settings.ts'
import { body, headers } from '../stateless/requests.ts'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/ports.ts'
import { post } from '../support/raw.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { fromSeconds } from '../support/spread.ts'

const SECRET = Buffer.alloc(32, 1).toString('base64')
const INITIALIZE = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'a', version: '1' } }
const ENTRY = new URL('../support/node-entry.ts', import.meta.url).pathname
const SERVER = new URL('../fixtures/small.ts', import.meta.url).pathname
const OWN_ENTRY = new URL('../fixtures/ready-client.ts', import.meta.url).pathname

describe('variables', () => {
  test('have defaults that suit a laptop', () => {
    const { port, host, redisUrl, warnings, endpoint } = parseEnvironment({})
    expect({ port, host, redisUrl, warnings }).toEqual({
      port: 3000,
      host: '127.0.0.1',
      redisUrl: undefined,
      warnings: [],
    })
    expect(endpoint).toMatchObject({ allowedHosts: 'local', legacySse: false, path: '/mcp', keys: undefined })
  })

  test('set the options of the endpoint', () => {
    const env = {
      PORT: '0',
      HOST: '0.0.0.0',
      REDIS_URL: 'rediss://user:secret@redis.example:6380/1',
      MCP_SECRET: `${SECRET}, ${SECRET}`,
      ALLOWED_HOSTS: 'mcp.example.com, other.example.com',
      GET_POLICY: 'poll',
      SESSION_IDLE_SECONDS: '60',
      LEGACY_SSE: '1',
      MCP_PATH: '/v1/mcp',
      MCP_PREFIX: '/tools',
    }
    const settings = parseEnvironment(env)
    expect(settings).toMatchObject({ port: 0, host: '0.0.0.0', redisName: 'redis.example:6380' })
    expect(settings.endpoint).toMatchObject({
      allowedHosts: ['mcp.example.com', 'other.example.com'],
      legacySse: true,
      path: '/v1/mcp',
      prefix: '/tools',
      session: { getPolicy: 'poll', idleLifetime: 60_000 },
    })
    expect(settings.endpoint.keys).toHaveLength(2)
  })

  test.each([
    ['redis://a:1,b', 'a:1, b'],
    ['rediss+cluster://u:secret@h', 'h'],
    ['valkey+sentinel://a,b:5/main', 'a:26379, b:5'],
    ['unix:///run/redis.sock', '/run/redis.sock'],
  ])('%s names the servers of Redis without a login', (url, name) => {
    expect(parseEnvironment({ REDIS_URL: url }).redisName).toBe(name)
  })

  test('have the certificates of Redis, checked before anything starts', () => {
    const at = (more: Record<string, string>) =>
      parseEnvironment({ REDIS_URL: 'rediss://h', MCP_SECRET: SECRET, ...more })
    const refusal = (more: Record<string, string>) => {
      try {
        return `${at(more).warnings}`
      } catch (error) {
        expect(error).toBeInstanceOf(BadSetting)
        return (error as Error).message
      }
    }
    expect(refusal({ REDIS_TLS_CA: '/no/such/file' })).toMatch(/REDIS_TLS_CA.*ENOENT/)
    expect(refusal({ REDIS_TLS_CERT: 'secret', REDIS_TLS_KEY: 'secret' })).toMatch(
      /^(?!.*secret).*REDIS_TLS_CERT.*ENOENT/,
    )
    expect(refusal({ REDIS_TLS_KEY_PASSPHRASE: 'secret' })).toMatch(/^(?!.*secret).*REDIS_TLS_KEY_PASSPHRASE/)
    expect(refusal({ REDIS_URL: 'redis://h', REDIS_TLS_SERVERNAME: 'redis' })).toMatch(/REDIS_TLS_SERVERNAME.*rediss:/)
    expect(refusal({ REDIS_TLS_INSECURE: '1' })).toMatch(/^REDIS_TLS_INSECURE is 1.*REDIS_TLS_CA/)
    expect(refusal({ REDIS_TLS_INSECURE: '0', REDIS_TLS_SERVERNAME: 'redis' })).toBe('')
  })

  test.each([
    ['PORT', '70000'],
    ['PORT', 'http'],
    ['REDIS_URL', 'localhost:6379'],
    ['REDIS_URL', 'http://localhost'],
    ['MCP_SECRET', 'short'],
    ['MCP_SECRET', `${SECRET},***`],
    ['GET_POLICY', 'stream'],
    ['LEGACY_SSE', 'yes'],
    ['SESSION_IDLE_SECONDS', 'a day'],
    ['HEARTBEAT_SECONDS', '-1'],
    ['HEARTBEAT_SECONDS', 'Infinity'],
    ['LEASE_SECONDS', '0'],
    ['SESSION_IDLE_SECONDS', '0'],
    ['REQUEST_SECONDS', '0'],
    ['DRAIN_SECONDS', '1e12'],
    ['MAX_BODY_BYTES', '0'],
    ['MAX_CALLS', '0'],
    ['MAX_STREAMS', '-1'],
    ['MAX_STREAMS', '1e3'],
    ['SESSION_IDLE_SECONDS', '0x10'],
    ['SESSION_IDLE_SECONDS', '1e3'],
    ['RATE_PER_ADDRESS', '0'],
    ['RATE_PER_ADDRESS', '99999999999'],
    ['ALLOWED_HOSTS', 'a,,b'],
    ['ALLOWED_HOSTS', 'a,'],
    ['ALLOWED_ORIGINS', ','],
    ['REDIS_URL', 'redis://:a%zz@h'],
    ['REDIS_URL', 'redis://h/abc'],
    ['REDIS_URL', 'redis://h?db=3'],
    ['REDIS_URL', 'redis+sentinel://h'],
    ['REDIS_TLS_CA', '/etc/ca.pem'],
    ['REDIS_TLS_INSECURE', '1'],
    ['REDIS_TLS_INSECURE', 'yes'],
    ['REDIS_PREFIX', 'a:b'],
    ['REDIS_PREFIX', '{a}'],
    ['MCP_UNSEALED', 'read'],
    ['MCP_PATH', 'mcp'],
    ['MCP_PREFIX', '/a/../b'],
    ['AUTH_ISUER', 'https://as.example'],
    ['AUTH_SCOPES', 'read'],
  ])('%s=%s stops the start with one line that names the variable and shows no secret', (name, value) => {
    expect(() => parseEnvironment({ [name]: value })).toThrow(BadSetting)
    try {
      parseEnvironment({ [name]: value })
    } catch (error) {
      const { message } = error as Error
      expect(message).toContain(name)
      expect(message).not.toContain('\n')
      if (name === 'MCP_SECRET') expect(message).not.toContain(SECRET)
    }
  })

  test.each([
    [{ AUTH_ISSUER: 'as.example' }, /AUTH_\*: issuer must be a URL/],
    [{ AUTH_ISSUER: 'https://as.example?tenant=1' }, /AUTH_\*: issuer must have no query/],
    [{ AUTH_AUDIENCE: 'mcp.example.com/mcp' }, /AUTH_\*: resource must be the public URL/],
    [{ AUTH_AUDIENCE: 'https://mcp.example.com/mcp?a=1' }, /AUTH_\*: resource/],
    [{ AUTH_JWKS: 'ftp://as.example/keys' }, /AUTH_\*: jwks must be an https URL/],
    [{ AUTH_JWKS: 'https://u:p@as.example/keys' }, /AUTH_\*: jwks must have no user/],
    [{ AUTH_SCOPES: 'read write' }, /AUTH_\*: "read write" is no scope/],
    [{ AUTH_ALGORITHMS: 'HS256' }, /AUTH_\*: HS256/],
    [{ AUTH_INTROSPECTION_CLIENT_ID: 'a' }, /need AUTH_INTROSPECTION_URL/],
    [{ AUTH_INTROSPECTION_CLIENT_SECRET: 'a' }, /need AUTH_INTROSPECTION_URL/],
    [{ AUTH_INTROSPECTION_URL: 'https://as.example/introspect' }, /AUTH_INTROSPECTION_CLIENT_ID/],
  ])('%o of authorization stops the start', (env, reason) => {
    const right = { AUTH_ISSUER: 'https://as.example', AUTH_AUDIENCE: 'https://mcp.example.com/mcp' }
    expect(() => parseEnvironment(right)).not.toThrow()
    expect(() => parseEnvironment({ ...right, ...env })).toThrow(BadSetting)
    expect(() => parseEnvironment({ ...right, ...env })).toThrow(reason)
  })

  test('with a typing error cause a warning that names the right one, and no other variable does', () => {
    const warnings = (env: Record<string, string>) => parseEnvironment(env).warnings
    expect(warnings({ REDIS_URI: 'redis://h' })).toEqual(['REDIS_URI is no setting. Is REDIS_URL meant?'])
    expect(warnings({ MCP_SECRETS: SECRET })).toEqual(['MCP_SECRETS is no setting. Is MCP_SECRET meant?'])
    expect(warnings({ ALOWED_HOSTS: 'a' })).toEqual(['ALOWED_HOSTS is no setting. Is ALLOWED_HOSTS meant?'])
    expect(warnings({ MAX_STREMAS: '1' })).toEqual(['MAX_STREMAS is no setting. Is MAX_STREAMS meant?'])
    const others = {
      REDIS_HOST: 'h',
      REDIS_PORT: 'tcp://h:1',
      REDIS_SERVICE_PORT: '1',
      LOGNAME: 'a',
      PORTS: '1',
      HOME: '/',
    }
    expect(warnings(others)).toEqual([])
  })

  test('that are missing for a safe deployment cause a warning', () => {
    expect(parseEnvironment({ HOST: '0.0.0.0' }).warnings.join()).toContain('AUTH_ISSUER')
    expect(parseEnvironment({ REDIS_URL: 'redis://localhost' }).warnings.join()).toContain('MCP_SECRET')
    expect(parseEnvironment({ REDIS_URL: 'redis://localhost', MCP_SECRET: SECRET }).warnings).toEqual([])
  })
})

/** A text that no variable of the kind may have. */
const WRONG = { duration: '1 day', count: '1.5', flag: 'maybe', choice: 'none', rate: 'fast', keys: 'short' }

describe.each(['platform', 'endpoint', 'http', 'session'] as const)('the settings of %s', (name) => {
  const group: Group = SETTINGS[name]
  const rows = Object.entries(group).flatMap(([option, row]) => (row.variable ? [{ ...row, option }] : []))
  const read = (env: Record<string, string>) => {
    const { endpoint, ...platform } = parseEnvironment(env)
    const groups = { platform, endpoint, http: endpoint.http, session: endpoint.session }
    return groups[name] as Record<string, unknown>
  }

  test('have variables that set exactly their option', () => {
    for (const row of rows) {
      const { variable = '', option, kind } = row
      // A row without a default begins with its smallest value.
      const value = row.default ?? ('from' in row ? row.from : 0)
      if (kind !== 'duration' && kind !== 'count') continue
      const other = Number(value) + 1_000
      expect(read({ [variable]: String(kind === 'duration' ? other / 1_000 : other) }), variable).toEqual({
        ...read({}),
        [option]: other,
      })
    }
  })

  test('have variables that name themselves and their values where they are wrong', () => {
    for (const row of rows) {
      const wrong = Object.entries(WRONG).find(([kind]) => kind === row.kind)?.[1]
      if (wrong === undefined) continue
      const start = () => parseEnvironment({ [row.variable ?? '']: wrong })
      expect(start).toThrow(BadSetting)
      expect(start).toThrow(`${row.variable} must be ${kindOf(row).mayBe(row)}`)
    }
  })
})

describe('REPLAY', () => {
  test('is taken in development', () => {
    expect(parseEnvironment({ REPLAY: 'always', NODE_ENV: 'development' }).endpoint.replay).toBe('always')
  })

  test.each([{ NODE_ENV: 'production' }, { AWS_LAMBDA_FUNCTION_NAME: 'mcp' }])('stops a deployment: %o', (env) => {
    expect(() => parseEnvironment({ REPLAY: 'always', ...env })).toThrow(
      'REPLAY runs every durable handler several times',
    )
    expect(parseEnvironment({ REPLAY: 'never', ...env }).endpoint.replay).toBe('never')
  })
})

describe('the Node entry with Redis', () => {
  let redis: RedisServer
  beforeAll(async () => {
    redis = await startRedis({ args: ['--requirepass', 'secret'] })
  })
  afterAll(() => redis.stop())

  /** Runs until the process has ended, or has written a line that matches. */
  async function run(env: Record<string, string>, until: RegExp, files = [ENTRY, SERVER]) {
    const child = spawn(process.execPath, files, {
      env: { PATH: process.env.PATH, PORT: '0', MCP_SECRET: SECRET, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const ended = once(child, 'exit') as Promise<[number | null]>
    const errors: string[] = []
    const address = new Promise<string>((resolve) =>
      createInterface({ input: child.stdout }).on('line', (line) => {
        const found = /http:\S+/.exec(line)
        if (found) resolve(found[0])
      }),
    )
    const written = new Promise<void>((resolve) =>
      createInterface({ input: child.stderr }).on('line', (line) => {
        errors.push(line)
        if (until.test(line)) resolve()
      }),
    )
    await Promise.race([ended, written])
    const stop = async () => {
      child.kill('SIGTERM')
      return (await ended)[0]
    }
    return { errors, ended, address, stop }
  }
  const at = (credentials: string, path = '') => `redis://${credentials}127.0.0.1:${redis.port}${path}`

  test.each([
    ['a wrong password', ':wrong@', '', {}, /^Redis refuses the user.*WRONGPASS/],
    ['no password', '', '', {}, /^Redis refuses the user.*NOAUTH/],
    ['a database that is not there', ':secret@', '/99', {}, /^Redis refuses.*DB index is out of range/],
    [
      'the prefix of another server',
      ':secret@',
      '',
      { REDIS_PREFIX: 'other' },
      /^The prefix other .*"mail".*"notes".*REDIS_PREFIX/,
    ],
  ])('%s stops it with one line', async (_name, credentials, path, more, expected) => {
    const admin = new Redis({ port: redis.port, password: 'secret' })
    await admin.hset('other:server', 'name', 'mail')
    await admin.pexpire('other:server', 600_000)
    admin.disconnect()
    const { errors, ended } = await run({ REDIS_URL: at(credentials, path), ...more }, /^never$/)
    expect((await ended)[0]).toBe(1)
    expect(errors.filter((line) => expected.test(line))).toHaveLength(1)
    expect(errors.join('\n')).not.toMatch(/secret|\n +at /)
  })

  test.each([
    ['a wrong password', { REDIS_PASSWORD: 'wrong' }, /^Redis refuses the user.*WRONGPASS/],
    ['an address beside it', { REDIS_URL: 'redis://h' }, /^Redis has a client and an address \(REDIS_URL/],
  ])('a client of the entry that has %s stops it with one line', async (_name, env, expected) => {
    const port = String(redis.port)
    const { errors, ended } = await run({ REDIS_PORT: port, REDIS_PASSWORD: 'secret', ...env }, /^never$/, [OWN_ENTRY])
    expect((await ended)[0]).toBe(1)
    expect(errors.filter((line) => expected.test(line))).toHaveLength(1)
  })

  test('a client of the entry serves sessions', async () => {
    const env = { REDIS_PORT: String(redis.port), REDIS_PASSWORD: 'secret', REDIS_PREFIX: 'own', MAX_STREAMSS: '1' }
    const { address, stop } = await run(env, /MAX_STREAMSS/, [OWN_ENTRY])
    const opened = await post(await address, { jsonrpc: '2.0', id: 0, method: 'initialize', params: INITIALIZE })
    expect(opened.status).toBe(200)
    const admin = new Redis({ port: redis.port, password: 'secret' })
    expect(await admin.keys('own:{*}')).toHaveLength(1)
    admin.disconnect()
    expect(await stop()).toBe(0)
  })

  test('a renamed server takes its prefix over', async () => {
    const admin = new Redis({ port: redis.port, password: 'secret' })
    await admin.hset('renamed:server', 'name', 'mail')
    await admin.pexpire('renamed:server', 600_000)
    // A warning is the line to wait for.
    const env = { REDIS_URL: at(':secret@'), REDIS_PREFIX: 'renamed', REDIS_RENAMED_FROM: 'mail', MAX_STREAMSS: '1' }
    const { errors, stop } = await run(env, /MAX_STREAMSS/)
    await eventually(async () => ((await admin.hget('renamed:server', 'name')) === 'notes' ? true : undefined))
    admin.disconnect()
    expect(await stop()).toBe(0)
    expect(errors).toHaveLength(1)
  })

  test('a Redis that cannot be reached is reported once with its cause, and stateless calls go on', async () => {
    const port = await freePort()
    const { errors, address, stop } = await run({ REDIS_URL: `redis://127.0.0.1:${port}` }, /ECONNREFUSED/)
    const url = await address
    const request = { id: 1, method: 'tools/list' }
    for (let i = 0; i < 3; i++) {
      const answer = await post(url, body(request), { headers: headers(request) })
      expect(answer.status).toBe(200)
      const opened = await post(url, { jsonrpc: '2.0', id: 0, method: 'initialize', params: INITIALIZE })
      expect([opened.status, opened.headers.get('retry-after')]).toEqual([503, fromSeconds(1)])
    }
    expect(errors.filter((line) => line.includes('ECONNREFUSED'))).toHaveLength(1)
    expect(await stop()).toBe(0)
  })
})

describe('the Node entry', () => {
  async function start(env: Record<string, string>) {
    const child = spawn(process.execPath, [ENTRY, SERVER], {
      env: { PATH: process.env.PATH, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const lines: string[] = []
    const stopWhenReady = (line: string) => {
      lines.push(line)
      if (line.startsWith('Try it')) child.kill('SIGTERM')
    }
    createInterface({ input: child.stdout }).on('line', stopWhenReady)
    createInterface({ input: child.stderr }).on('line', (line) => lines.push(line))
    const [code] = (await once(child, 'exit')) as [number | null]
    return { lines, code }
  }

  test('prints its address, its store and a command to try it, and exits with 0 on SIGTERM', async () => {
    const { lines, code } = await start({ PORT: '0' })
    expect(lines[0]).toMatch(/http:\/\/127\.0\.0\.1:\d+\/mcp$/)
    expect(lines[1]).toContain('this process')
    expect(lines[2]).toMatch(/^Try it {8}npx /)
    expect(code).toBe(0)
  })

  test('stops with one line where a variable has a bad value', async () => {
    expect(await start({ PORT: 'x' })).toEqual({
      lines: ['PORT must be a whole number from 0 to 65535, not "x".'],
      code: 1,
    })
  })

  test('stops with one line where the port is in use', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const { port } = taken.address() as AddressInfo
    const busy = await start({ PORT: String(port) })
    expect(busy).toEqual({ lines: [`PORT ${port} is in use on 127.0.0.1.`], code: 1 })
    taken.close()
  })
})

describe('the parts of a shutdown', () => {
  const read = (env: Record<string, string>) => {
    const { shutdown, lameDuck, endpoint } = parseEnvironment(env)
    return { shutdown, lameDuck, drain: endpoint.session?.drainTimeout }
  }

  test.each([
    [{}, { shutdown: 9_000, lameDuck: 0, drain: 8_000 }],
    [{ LAME_DUCK_SECONDS: '5' }, { shutdown: 9_000, lameDuck: 5_000, drain: 3_000 }],
    [
      { LAME_DUCK_SECONDS: '5', SHUTDOWN_SECONDS: '27' },
      { shutdown: 27_000, lameDuck: 5_000, drain: 21_000 },
    ],
    // A time that is set for a part makes the whole longer, unless that is set too.
    [{ DRAIN_SECONDS: '20' }, { shutdown: 21_000, lameDuck: 0, drain: 20_000 }],
    [
      { DRAIN_SECONDS: '20', LAME_DUCK_SECONDS: '3' },
      { shutdown: 24_000, lameDuck: 3_000, drain: 20_000 },
    ],
    [
      { DRAIN_SECONDS: '2', SHUTDOWN_SECONDS: '9' },
      { shutdown: 9_000, lameDuck: 0, drain: 2_000 },
    ],
  ])('%o', (env, expected) => {
    expect(read(env as Record<string, string>)).toEqual(expected)
  })

  test.each([
    [{ SHUTDOWN_SECONDS: '9', DRAIN_SECONDS: '8.5' }, 'at least 9.5'],
    [{ SHUTDOWN_SECONDS: '9', DRAIN_SECONDS: '8', LAME_DUCK_SECONDS: '5' }, 'at least 14'],
    [{ SHUTDOWN_SECONDS: '5', LAME_DUCK_SECONDS: '5' }, 'at least 6'],
  ])('%o stops the start', (env, message) => {
    expect(() => read(env as Record<string, string>)).toThrow(message)
  })
})
