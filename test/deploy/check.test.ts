/** `npm run check` finds the faults of a deployment from outside. */
import { execFile, execFileSync, spawnSync } from 'node:child_process'
import { createServer, type RequestListener } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checkDeployment } from '../../lib/cli/check/check.ts'
import { createEndpoint } from '../../lib/endpoint.ts'
import { toNodeHandler } from '../../lib/platform/node/handler.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { root } from '../../tools/build.ts'
import { type LambdaTests, lambdaTests } from '../lambda/bundled.ts'
import { freePort } from '../support/ports.ts'
import { NodeInstance, nodeBundle } from './node-instance.ts'

const check = [join(root, 'lib/cli/main.ts'), 'check']
const STREAM = 'the first bytes of a stream arrive long before its end'

describe('a deployment', () => {
  let tests: LambdaTests
  beforeAll(async () => {
    tests = await lambdaTests()
  })
  afterAll(() => tests.stop())

  test('on Lambda with streaming passes all checks', async () => {
    const { url } = await tests.start({ limit: 12, env: { POLL_WAIT_SECONDS: '2' } })
    const findings = await checkDeployment(url)
    expect(findings.filter(({ ok }) => ok !== true)).toEqual([])
    expect(findings.map(({ what }) => what)).toContain(STREAM)
  })

  test('on Lambda without streaming passes all checks, and that of streams is left out', async () => {
    const { url } = await tests.start({ front: 'http', handler: 'lambda-buffered.handler', limit: 12 })
    const findings = await checkDeployment(url)
    expect(findings.filter(({ ok }) => ok !== true)).toMatchObject([{ what: STREAM, ok: undefined }])
  })

  test('that refuses concurrent requests fails the check of concurrency', async () => {
    const { url } = await tests.start({ size: 1, limit: 2 })
    const findings = await checkDeployment(url)
    expect(findings.find(({ what }) => what.startsWith('10 requests'))).toMatchObject({ ok: false })
  })
})

test('the program prints one line for each check, and its exit code says whether all passed', async () => {
  const { file, remove } = await nodeBundle()
  const instance = await NodeInstance.start(file)
  try {
    const output = execFileSync(process.execPath, [...check, instance.url.href], { encoding: 'utf8' })
    expect(
      output
        .trim()
        .split('\n')
        .every((line) => line.startsWith('ok\t')),
    ).toBe(true)
    expect(spawnSync(process.execPath, [...check, instance.at('/elsewhere').href]).status).toBe(1)
    expect(spawnSync(process.execPath, [...check, 'nowhere']).status).toBe(1)
    expect(spawnSync(process.execPath, [...check, 'ftp://nowhere/mcp']).status).toBe(1)
    expect(spawnSync(process.execPath, [...check, instance.url.href, '--tokn', 'x']).status).toBe(1)
  } finally {
    await instance.stop()
    remove()
  }
})

describe('an address without an endpoint gets one line and no stack:', () => {
  const closing: (() => Promise<unknown>)[] = []
  afterAll(() => Promise.all(closing.map((close) => close())))

  async function portOf(server: Server): Promise<number> {
    const sockets = new Set<Socket>()
    server.on('connection', (socket) => sockets.add(socket.on('error', () => {})))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    closing.push(async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    })
    return (server.address() as AddressInfo).port
  }
  const http = (answer: RequestListener) => portOf(createServer(answer))
  const tcp = (greet: (socket: Socket) => void) => portOf(createTcpServer(greet))

  test.each<[string, () => Promise<string>, RegExp]>([
    ['a name that does not exist', async () => 'https://nowhere.invalid/mcp', /the name nowhere\.invalid is not known/],
    [
      'a port without a listener',
      async () => `http://127.0.0.1:${await freePort()}/mcp`,
      /nothing listens at 127\.0\.0\.1:\d/,
    ],
    [
      'a port that speaks no TLS',
      async () => `https://127.0.0.1:${await http((_req, res) => res.end())}/mcp`,
      /TLS failed/,
    ],
    [
      'a port that speaks no HTTP',
      async () => `http://127.0.0.1:${await tcp((socket) => socket.end('220 mail.example ESMTP\r\n'))}/mcp`,
      /does not match the HTTP\/1.1 protocol/,
    ],
    [
      'a connection that is cut',
      async () => `http://127.0.0.1:${await tcp((socket) => socket.destroy())}/mcp`,
      /NO\tthe address answers/,
    ],
    [
      'a page',
      async () => `http://127.0.0.1:${await http((_req, res) => res.end('<html>\n<p>Hello</p>\n</html>'))}/mcp`,
      /NO\tan MCP endpoint is at the address \(200 .*Hello/,
    ],
    [
      'a server that has nothing there',
      async () => `http://127.0.0.1:${await http((_req, res) => res.writeHead(404).end('Not found\n'))}/mcp`,
      /NO\tan MCP endpoint is at the address \(404 .*Not found/,
    ],
  ])('%s', async (_what, address, expected) => {
    const args = [...check, await address()]
    const { code, stdout, stderr } = await new Promise<{ code: unknown; stdout: string; stderr: string }>((resolve) =>
      execFile(process.execPath, args, (error, stdout, stderr) => resolve({ code: error?.code, stdout, stderr })),
    )
    expect(stdout.trim().split('\n')).toEqual([expect.stringMatching(expected)])
    expect(stderr).toBe('')
    // Nothing answers, or something else than an endpoint does.
    expect(code).toBe(stdout.includes('an MCP endpoint') ? 1 : 2)
  })

  test('a server that does not answer', async () => {
    const url = new URL(`http://127.0.0.1:${await http(() => {})}/mcp`)
    expect(await checkDeployment(url, { patience: 50 })).toEqual([
      { what: 'the address answers', ok: false, seen: `${url.host} took too long to answer` },
    ])
  })

  test('an endpoint that requires a token says how one is found, and a token that it refuses fails the check', async () => {
    const port = await http((req, res) => {
      if (req.method === 'GET') return res.end('<html>no metadata</html>')
      return res.writeHead(401, { 'www-authenticate': 'Bearer error="invalid_token"' }).end('{}')
    })
    const url = new URL(`http://127.0.0.1:${port}/mcp`)
    expect((await checkDeployment(url)).map(({ ok }) => ok)).toEqual([true, true, false])
    expect(await checkDeployment(url, { token: 'stale' })).toEqual([
      { what: 'the endpoint takes the token', ok: false, seen: '401 {}' },
    ])
  })

  test.each([
    ['drops the headers of MCP', 'the headers of MCP reach the endpoint', 'mcp-protocol-version'],
    ['drops the header Origin', 'a web page of another origin is refused', 'origin'],
  ])('a proxy that %s fails a check, or leaves it open', async (_what, check, dropped) => {
    const server = new McpServer({ name: 'behind', version: '1' })
    const endpoint = createEndpoint(server, { allowedHosts: 'local', session: { getPolicy: 'off' } })
    const handler = toNodeHandler(endpoint)
    const port = await http((req, res) => {
      delete req.headers[dropped]
      req.rawHeaders = Object.entries(req.headers).flatMap(([name, value]) => [name, String(value)])
      void handler(req, res)
    })
    const findings = await checkDeployment(new URL(`http://127.0.0.1:${port}/mcp`))
    expect(findings.filter(({ ok }) => ok !== true).map(({ what }) => what)).toContain(check)
    await endpoint.close()
  })

  test('an endpoint that takes a token and asks nobody for one fails the check, in JSON, too', async () => {
    const endpoint = createEndpoint(new McpServer({ name: 'open', version: '1' }), {
      allowedHosts: 'local',
      session: { getPolicy: 'off' },
    })
    const port = await http(toNodeHandler(endpoint) as RequestListener)
    const args = [...check, `http://127.0.0.1:${port}/mcp`, '--token', 'any', '--json']
    const { code, stdout } = await new Promise<{ code: unknown; stdout: string }>((resolve) =>
      execFile(process.execPath, args, (error, stdout) => resolve({ code: error?.code, stdout })),
    )
    const { passed, checks } = JSON.parse(stdout) as { passed: boolean; checks: { what: string; ok: boolean | null }[] }
    expect([code, passed]).toEqual([1, false])
    expect(checks.filter(({ ok }) => ok === false)).toMatchObject([{ what: 'a client without a token is refused' }])
    // The settings turn it off.
    expect(checks.filter(({ ok }) => ok === null)).toMatchObject([{ what: STREAM }])
    expect(checks.length).toBeGreaterThan(8)
    await endpoint.close()
  })
})
