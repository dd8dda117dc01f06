/** The environment of a process: variables that are read, values that stop the start, and warnings. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { describe, expect, test } from 'vitest'
import { BadSetting, kindOf, parseEnvironment } from '../../lib/platform/environment.ts'
import { type Group, SETTINGS } from '../../lib/settings.ts'

const SECRET = Buffer.alloc(32, 1).toString('base64')
const ENTRY = new URL('../../functions/node.ts', import.meta.url).pathname

describe('variables', () => {
  test('have defaults that suit a laptop', () => {
    const { port, host, redisUrl, warnings, endpoint } = parseEnvironment({})
    expect({ port, host, redisUrl, warnings }).toEqual({
      port: 3000,
      host: '127.0.0.1',
      redisUrl: undefined,
      warnings: [],
    })
    expect(endpoint).toMatchObject({ allowedHosts: 'local', legacySse: false, keys: undefined })
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
    }
    const settings = parseEnvironment(env)
    expect(settings).toMatchObject({ port: 0, host: '0.0.0.0', redisName: 'redis.example:6380' })
    expect(settings.endpoint).toMatchObject({
      allowedHosts: ['mcp.example.com', 'other.example.com'],
      legacySse: true,
      session: { getPolicy: 'poll', idleLifetime: 60_000 },
    })
    expect(settings.endpoint.keys).toHaveLength(2)
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

describe('npm start', () => {
  async function start(env: Record<string, string>, ...args: string[]) {
    const child = spawn(process.execPath, [ENTRY, ...args], {
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

  test('stops with one line where there is no server, or where the port is in use', async () => {
    expect(await start({ PORT: '0' }, '/nowhere/server.ts')).toEqual({
      lines: ['There is no /nowhere/server.ts.'],
      code: 1,
    })
    const without = new URL('../../lib/base/ids.ts', import.meta.url).pathname
    const { lines, code } = await start({ PORT: '0' }, without)
    expect([lines, code]).toEqual([[`${without} must export "server", an McpServer.`], 1])
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const { port } = taken.address() as AddressInfo
    const busy = await start({ PORT: String(port) })
    expect(busy).toEqual({ lines: [`PORT ${port} is in use on 127.0.0.1.`], code: 1 })
    taken.close()
  })
})
