/** The environment of a start: what is read, what is refused, and what is said. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { describe, expect, test } from 'vitest'
import { BadSetting, parseEnvironment } from '../../lib/platform/environment.ts'

const SECRET = Buffer.alloc(32, 1).toString('base64')
const ENTRY = new URL('../../functions/node.ts', import.meta.url).pathname

describe('variables', () => {
  test('have defaults for a laptop', () => {
    const { port, host, redisUrl, warnings, endpoint } = parseEnvironment({})
    expect({ port, host, redisUrl, warnings }).toEqual({
      port: 3000,
      host: '127.0.0.1',
      redisUrl: undefined,
      warnings: [],
    })
    expect(endpoint).toMatchObject({ allowedHosts: 'local', legacySse: false, keys: undefined })
  })

  test('are read', () => {
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
  ])('%s=%s is refused in one line that names it, and no secret', (name, value) => {
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

  test('that leave a door open are warned of', () => {
    expect(parseEnvironment({ HOST: '0.0.0.0' }).warnings.join()).toContain('AUTH_ISSUER')
    expect(parseEnvironment({ REDIS_URL: 'redis://localhost' }).warnings.join()).toContain('MCP_SECRET')
    expect(parseEnvironment({ REDIS_URL: 'redis://localhost', MCP_SECRET: SECRET }).warnings).toEqual([])
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

  test('says where it is, which store it uses and how to try it, and ends in good order', async () => {
    const { lines, code } = await start({ PORT: '0' })
    expect(lines[0]).toMatch(/http:\/\/127\.0\.0\.1:\d+\/mcp$/)
    expect(lines[1]).toContain('this process')
    expect(lines[2]).toMatch(/^Try it {8}npx /)
    expect(code).toBe(0)
  })

  test('stops at a bad value with one line', async () => {
    expect(await start({ PORT: 'x' })).toEqual({
      lines: ['PORT must be a whole number from 0 to 65535, not "x".'],
      code: 1,
    })
  })

  test('stops with one line where there is no server, or its place is taken', async () => {
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
