/** `mcp-anywhere connect`: what it asks the endpoint, what it prints, and what it says where nothing answers. */
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type ServerType, serve } from '@hono/node-server'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { createEndpoint, type EndpointOptions } from '../../lib/endpoint.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { freePort } from '../support/ports.ts'
import { Project } from './project.ts'

const project = new Project({ 'package.json': '{"name":"my-project","type":"module"}' })
afterAll(() => project.remove())

const stops: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

async function endpoint(options: EndpointOptions = {}, port = 0): Promise<string> {
  const made = createEndpoint(new McpServer({ name: 'my notes', version: '1' }), { allowedHosts: 'local', ...options })
  const http = await new Promise<ServerType>((resolve) => {
    const server = serve({ fetch: made.fetch, port, hostname: '127.0.0.1' }, () => resolve(server))
  })
  stops.push(async () => {
    await made.close()
    await new Promise((resolve) => http.close(resolve))
  })
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`
}

/** Something that is no endpoint. */
async function other(listener: RequestListener): Promise<string> {
  const http = createServer(listener)
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  stops.push(async () => new Promise((resolve) => http.close(resolve)))
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`
}

async function json(...args: Parameters<typeof project.run>) {
  const { code, stdout, stderr } = await project.run('connect', '--json', ...args)
  expect(code).toBe(0)
  return { ...JSON.parse(stdout), stderr }
}

test('prints every client with the address, under the name that the server has', async () => {
  const url = await endpoint()
  const { code, stdout, stderr } = await project.run('connect', url)
  expect([code, stderr]).toEqual([0, ''])
  const [first = '', ...blocks] = stdout.split(/\n\n(?=\S)/)
  expect(first).toBe(`my notes at ${url}`)
  expect(blocks.map((block) => block.split('\n')[0])).toEqual([
    'Claude Code',
    'Claude (claude.ai, Desktop, mobile)',
    'ChatGPT',
    'Cursor',
    'VS Code',
    'Gemini CLI',
    'goose',
    'LibreChat',
    'mcp-remote (Claude Desktop, and others that only start processes)',
    'curl',
  ])
  expect(stdout).toContain(`       claude mcp add --transport http my-notes ${url}\n`)
  expect(stdout).toContain('     In ~/.cursor/mcp.json:\n')
  expect(stdout).toContain('  Add to VS Code: vscode:mcp/install?')
  for (const block of blocks) {
    const sentences = block.split('\n').filter((line) => !/^ {7}|: \w+:/.test(line))
    for (const line of sentences) expect(line.length).toBeLessThanOrEqual(110)
  }
})

test('--client prints one, whatever its case', async () => {
  const { stdout } = await project.run('connect', await endpoint(), '--client', 'Claude-Code')
  expect(stdout).toMatch(/^my notes at \S+\n\nClaude Code\n/)
  expect(stdout).not.toContain('Cursor')
})

test('--name goes before the name of the server', async () => {
  expect(await json(await endpoint(), '--name', 'other')).toMatchObject({ name: 'other' })
})

test('--json has what the page has', async () => {
  const url = await endpoint()
  const found = await json(url, '--client', 'cursor')
  expect(found).toEqual({
    url,
    name: 'my notes',
    admission: 'open',
    connections: [expect.objectContaining({ client: 'cursor', title: 'Cursor', link: expect.anything() })],
    stderr: '',
  })
})

describe('an endpoint with authorization', () => {
  const verify = () => undefined

  test('that names its authorization server is signed in to, under the name of its metadata', async () => {
    const port = await freePort()
    const auth = { issuer: 'https://as.example', resource: `http://127.0.0.1:${port}/mcp`, verify }
    expect(await json(await endpoint({ auth }, port))).toMatchObject({ name: 'my notes', admission: 'oauth' })
  })

  test('whose public address is not reached from here is signed in to, too', async () => {
    const port = await freePort()
    const auth = { issuer: 'https://as.example', resource: `http://127.0.0.1:${port}/mcp`, verify }
    expect(await json(await endpoint({ auth }))).toMatchObject({ admission: 'oauth' })
  })

  test('that names none needs a token by hand', async () => {
    const auth = { issuer: [], resource: 'https://mcp.example/mcp', verify }
    const url = await endpoint({ auth })
    expect(await json(url)).toMatchObject({ admission: 'token' })
    const { stdout } = await project.run('connect', url, '--client', 'claude-code')
    expect(stdout).toContain('--header "Authorization: Bearer YOUR_TOKEN"')
  })
})

describe('an address that does not serve', () => {
  const lineOf = async (url: string) => {
    const { code, stdout, stderr } = await project.run('connect', url)
    expect([code, stdout.split('\n')[0]]).toEqual([0, `mcp-server at ${url}`])
    expect(stderr.trimEnd().split('\n')).toHaveLength(1)
    return stderr
  }

  test('is said to have nothing that listens', async () => {
    expect(await lineOf(`http://127.0.0.1:${await freePort()}/mcp`)).toMatch(
      /: Nothing listens at this address\. Start the server, for example with npx mcp-anywhere dev/,
    )
  })

  test('is explained where the Host header is refused', async () => {
    expect(await lineOf(await endpoint({ allowedHosts: ['mcp.example'] }))).toMatch(
      /The Host header names "127\.0\.0\.1:\d+", which ALLOWED_HOSTS .* ALLOWED_HOSTS=127\.0\.0\.1,/,
    )
  })

  test('is explained where something else answers', async () => {
    expect(await lineOf(await other((_, response) => response.writeHead(404).end('<h1>Not found</h1>')))).toMatch(
      /There is no MCP endpoint at this address \(status 404\)\. Correct the address/,
    )
    expect(await lineOf(await other((_, response) => response.end('{"status":"ok"}')))).toMatch(
      /The response is not that of an MCP endpoint/,
    )
  })

  test('is not followed where it redirects', async () => {
    const url = await other((_, response) => response.writeHead(308, { location: 'https://mcp.example/mcp' }).end())
    expect(await lineOf(url)).toMatch(/redirects \(status 308\) to "https:\/\/mcp\.example\/mcp"/)
  })

  test('is not read without end', async () => {
    const url = await other((request, response) => {
      const write = () => void (response.write('x'.repeat(100_000)) && setImmediate(write))
      response.on('drain', write)
      request.on('close', () => response.destroy())
      write()
    })
    expect(await lineOf(url)).toMatch(/not that of an MCP endpoint/)
  })
})

test('a server whose name is hostile prints no control characters', async () => {
  const url = await other((_, response) => {
    const info = { name: '\u001b[31mevil\nname\u202e', version: '1' }
    const result = { _meta: { 'io.modelcontextprotocol/serverInfo': info } }
    response.end(JSON.stringify({ jsonrpc: '2.0', id: 1, result }))
  })
  const { stdout } = await project.run('connect', url)
  expect(stdout.split('\n')[0]).toBe(`[31mevil name at ${url}`)
  expect(stdout.replaceAll('\n', '')).not.toMatch(/\p{C}/u)
})

describe('without an address', () => {
  test('the settings of the folder name it, and its package.json the server', async () => {
    const port = await freePort()
    project.write({ '.env': `PORT=${port}\nMCP_PATH=/tools/mcp\n` })
    const found = await json({ PORT: String(port) })
    expect(found).toMatchObject({ url: `http://127.0.0.1:${port}/tools/mcp`, name: 'my-project' })
    expect(found.problem.cause).toBe('Nothing listens at this address.')
    project.write({ '.env': '' })
  })

  test('HOST of every interface is this machine', async () => {
    const found = await json({ PORT: '4', HOST: '0.0.0.0' })
    expect(found.url).toBe('http://localhost:4/mcp')
  })

  test('any free port is an error', async () => {
    const { code, stderr } = await project.run('connect', { PORT: '0' })
    expect([code, stderr]).toEqual([
      1,
      'PORT is 0, which is any free port: name the address that the server printed.\n',
    ])
  })
})

test.each([
  [['connect', 'host/mcp'], /^"host\/mcp" is no address such as https:\/\/host\/mcp\.$/],
  [
    ['connect', '--client', 'emacs'],
    /^There is no client "emacs"\. There are claude-code, claude, chatgpt, cursor, vscode,/,
  ],
  [
    ['connect', '--jsn'],
    /^Unknown option '--jsn'\. Usage: mcp-anywhere connect \[https:\/\/host\/mcp\] \[--client NAME\]/,
  ],
])('%o fails with one line', async (args, expected) => {
  const { code, stdout, stderr } = await project.run(...args)
  expect([code, stdout]).toEqual([1, ''])
  expect(stderr.trimEnd().split('\n')).toEqual([expect.stringMatching(expected)])
})
