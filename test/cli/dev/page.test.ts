/** The page in `dev`: it shows the instances, and ends one for whoever has the token that was printed. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { About } from '../../../lib/page/about.ts'
import { type DevClient, sdk2 } from './clients.ts'
import { Dev, Project } from './project.ts'

const PATIENT = { timeout: 30_000 }

describe('the page of dev', () => {
  let project: Project
  let dev: Dev
  let client: DevClient
  beforeAll(async () => {
    project = new Project()
    dev = await Dev.start(project, { args: ['--instances', '3'] })
    client = await sdk2(dev.url)
  })
  afterAll(async () => {
    await client?.close()
    await dev?.stop()
    project.remove()
  })

  const about = async () => (await (await fetch(new URL('/?page=about', dev.url))).json()) as About
  const ready = async () => (await about()).instances?.filter(({ isReady }) => isReady).length
  const token = () => /\/#kill=([\w-]+)$/.exec(dev.lines.find((line) => line.startsWith('Page')) ?? '')?.[1]

  /** Behind the balancer the response of an instance that ends may be lost: then it is a 502. */
  function kill(instance: string, given = token(), origin = dev.url.origin): Promise<Response> {
    return fetch(new URL('/mcp?page=kill', dev.url), {
      method: 'POST',
      headers: { origin, 'content-type': 'application/json', 'mcp-anywhere-page': '0' },
      body: JSON.stringify({ instance, token: given }),
    })
  }

  test('has an address with a token, and a browser gets it there', async () => {
    const line = dev.lines.find((printed) => printed.startsWith('Page'))
    expect(line).toMatch(/^Page +http:\/\/127\.0\.0\.1:\d+\/#kill=[\w-]{16}$/)
    const address = line?.split(/\s+/)[1] ?? ''
    const html = await (await fetch(address, { headers: { accept: 'text/html' } })).text()
    const [, script = ''] = /src="([^"]+)"/.exec(html) ?? []
    const loaded = await fetch(new URL(script.replace('&amp;', '&'), address))
    expect(loaded.headers.get('content-type')).toMatch(/^text\/javascript/)
    expect((await loaded.text()).length).toBeGreaterThan(50_000)
  })

  test('shows the instances by their numbers, and which of them has answered', async () => {
    await expect.poll(ready, PATIENT).toBe(3)
    expect((await about()).instances).toEqual(['1', '2', '3'].map((name) => ({ name, isReady: true })))
    const names: (string | null)[] = []
    for (let i = 0; i < 3; i++) {
      const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' })
      const headers = { 'content-type': 'application/json', accept: 'application/json', 'mcp-anywhere-page': '1' }
      names.push((await fetch(dev.url, { method: 'POST', headers, body })).headers.get('mcp-anywhere-instance'))
    }
    expect(names.sort()).toEqual(['1', '2', '3'])
  })

  test('ends an instance, which is started again and counts as no crash, while sessions go on', async () => {
    for (let round = 0; round < 6; round++) {
      await expect.poll(ready, PATIENT).toBe(3)
      const from = dev.lines.length
      expect([200, 502]).toContain((await kill('2')).status)
      await dev.line(/Instance 2 was killed on the page\. It is started again\./, from)
      expect(await client.call('who')).toMatchObject({ version: 'v1' })
    }
    await expect.poll(ready, PATIENT).toBe(3)
  })

  test('ends nothing without the token, and for no other origin', async () => {
    const from = dev.lines.length
    expect((await kill('1', 'guessed')).status).toBe(403)
    expect((await kill('1', token(), 'http://localhost:1')).status).toBe(403)
    expect((await kill('4')).status).toBe(404)
    expect(await client.call('who')).toMatchObject({ version: 'v1' })
    expect(dev.lines.slice(from).filter((line) => /killed/.test(line))).toEqual([])
  })

  test('is off with PAGE=0', async () => {
    const other = await Dev.start(project, { env: { PAGE: '0' }, args: ['--instances', '1'] })
    try {
      expect(other.lines.filter((line) => line.startsWith('Page'))).toEqual([])
      const response = await fetch(new URL('/', other.url), { headers: { accept: 'text/html' } })
      expect(response.status).toBe(404)
    } finally {
      await other.stop()
    }
  })
})
