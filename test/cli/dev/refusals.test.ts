/** What `dev` prints about requests that are refused: each reason once, with what came, the setting and the cure. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { refusalLines } from '../../../lib/cli/dev/refusals.ts'
import { refusalText } from '../../../lib/protocol/refusal-texts.ts'
import { post, request } from '../../support/raw.ts'
import { sdk2 } from './clients.ts'
import { Dev, Project, SERVES } from './project.ts'

describe('the lines about refusals', () => {
  const host = (name: string) => ({ status: 403, reason: refusalText('host', name) })

  test('have the cause and the cure, and the same reason has one', () => {
    const lines: string[] = []
    const refused = refusalLines((line) => lines.push(line))
    refused(host('demo.ngrok.app'))
    refused(host('demo.ngrok.app'))
    refused(host('other.ngrok.app'))
    expect(lines).toHaveLength(2)
    expect(lines[0]).toBe(
      'A request got 403. The Host header names "demo.ngrok.app", which ALLOWED_HOSTS (allowedHosts) lacks. If this is a name of your ' +
        'endpoint, of a tunnel for example, set it and start again: ALLOWED_HOSTS=demo.ngrok.app,localhost,127.0.0.1',
    )
  })

  test('end after many reasons, since clients choose the values', () => {
    const lines: string[] = []
    const refused = refusalLines((line) => lines.push(line))
    for (let i = 0; i < 1_000; i++) refused(host(`${i}.example`))
    expect(lines).toHaveLength(50)
  })
})

describe('dev', () => {
  let project: Project
  let dev: Dev
  beforeAll(async () => {
    project = new Project()
    dev = await Dev.start(project)
  })
  afterAll(async () => {
    await dev?.stop()
    project.remove()
  })

  const refusals = () => dev.lines.filter((line) => /^\d\d:\d\d:\d\d A request got \d+\. /.test(line))
  const list = (headers: Record<string, string>) => post(dev.url, request(1, 'tools/list'), { headers })

  test('says how clients are connected', () => {
    expect(dev.lines).toContain(`Other clients npx mcp-anywhere connect ${dev.url}`)
  })

  test('prints a line for a refused origin and for a lost session, once for all instances and versions', async () => {
    const origin = { origin: 'https://app.example' }
    const from = dev.lines.length
    for (let i = 0; i < 4; i++) expect((await list(origin)).status).toBe(403)
    for (let i = 0; i < 4; i++) expect((await list({ 'mcp-session-id': 'lost' })).status).toBe(404)
    await dev.line(/A request got 404\. Session not found: .* Connect again: /, from)
    await dev.line(
      /A request got 403\. The Origin "https:\/\/app\.example" .* ALLOWED_ORIGINS=https:\/\/app\.example$/,
      from,
    )
    project.version('v2')
    await dev.line(SERVES, from)
    for (let i = 0; i < 4; i++) expect((await list(origin)).status).toBe(403)
    // Its line comes after those of the requests before it.
    expect((await list({ origin: 'https://last.example' })).status).toBe(403)
    await dev.line(/A request got 403\. The Origin "https:\/\/last\.example"/, from)
    expect(refusals()).toHaveLength(3)
  })

  test('prints none for requests that are served', async () => {
    const before = refusals().length
    const client = await sdk2(dev.url)
    await client.call('who')
    await client.close()
    expect(refusals()).toHaveLength(before)
  })
})

test('a port of the command line is in the line for clients', async () => {
  const project = new Project()
  const dev = await Dev.start(project, { args: ['--port', '0'], env: { PORT: '1' } })
  expect(dev.lines).toContain(`Other clients npx mcp-anywhere connect ${dev.url}`)
  await dev.stop()
  project.remove()
})
