/** The examples that listen themselves: apps around an endpoint, started as their README says. */
import { afterEach, expect, test } from 'vitest'
import { startAuthorizationServer } from '../support/authorization-server.ts'
import { freePort } from '../support/ports.ts'
import { type Connect, clients, type ExampleClient, type Side } from './clients.ts'
import { Example } from './process.ts'
import { connectSignedIn } from './signed-in.ts'

let example: Example
const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const client of open.splice(0)) await client.close()
  expect(await example.end()).toBe(0)
})

async function connected(connect: Connect, side?: Side): Promise<ExampleClient> {
  const client = await connect(example.url, side)
  open.push(client)
  return client
}

const page = async (path: string, init?: RequestInit) => {
  const response = await fetch(example.at(path), init)
  return { status: response.status, text: await response.text() }
}

test.each(clients)('hono-app.ts: what a route of the app changes reaches the subscriber %s', async (_, connect) => {
  example = await Example.start('hono-app.ts')
  let updated: (uri: string) => void = () => {}
  const update = new Promise<string>((resolve) => {
    updated = resolve
  })
  const client = await connected(connect, { updated })
  await client.subscribe('orders://open')
  expect(await page('/orders', { method: 'POST', body: 'tea' })).toEqual({ status: 201, text: '' })
  expect(await update).toBe('orders://open')
  expect(await client.read('orders://open')).toBe('["tea"]')
  expect(await page('/')).toEqual({ status: 200, text: '1 orders' })
})

test.each(clients)('express-app.ts: the client %s gets progress beside the routes of the app', async (_, connect) => {
  example = await Example.start('express-app.ts')
  const client = await connected(connect)
  const events: string[] = []
  const { text } = await client.call('translate', { texts: ['one', 'two'] }, (message) => events.push(message))
  expect([text, ...events]).toEqual(['ONE\nTWO', 'translated "one"', 'translated "two"'])
  expect(await page('/')).toEqual({ status: 200, text: 'A page of the app' })
  const headers = { 'content-type': 'application/json' }
  expect(await page('/echo', { method: 'POST', headers, body: '{"a":1}' })).toEqual({ status: 200, text: '{"a":1}' })
})

test.each(clients)('node-app.ts: the client %s gets progress beside the pages of the app', async (_, connect) => {
  example = await Example.start('node-app.ts')
  const client = await connected(connect)
  const events: string[] = []
  const { text } = await client.call('translate', { texts: ['one', 'two'] }, (message) => events.push(message))
  expect([text, ...events]).toEqual(['ONE\nTWO', 'translated "one"', 'translated "two"'])
  expect(await page('/')).toEqual({ status: 200, text: 'A page of the app' })
})

test('own-store: the figures count what the store was asked for', async () => {
  example = await Example.start('own-store')
  for (const [, connect] of clients) {
    const client = await connected(connect)
    await client.call('report', { city: 'oslo', celsius: 3 })
    expect(await client.read('weather://oslo')).toBe('{"celsius":3}')
  }
  const { text } = await page('/metrics')
  const counts = [...text.matchAll(/^mcp_store_calls_total\{operation="\w+"\} (\d+)$/gm)].map(([, n]) => Number(n))
  expect(counts.length).toBeGreaterThan(3)
  expect(Math.min(...counts)).toBeGreaterThan(0)
})

test('authorization.ts: a signed-in user calls what the scopes of the token allow', async () => {
  const port = await freePort()
  const resource = `http://127.0.0.1:${port}/mcp`
  const server = await startAuthorizationServer({ resources: { [resource]: 'mcp notes:write' } })
  try {
    const env = { PORT: String(port), AUTH_AUDIENCE: resource, AUTH_ISSUER: server.issuer }
    example = await Example.start('authorization.ts', env)
    const refused = await fetch(example.url, { method: 'POST', body: '{}' })
    await refused.text()
    expect(refused.status).toBe(401)
    const client = await connectSignedIn(example.url, server)
    open.push(client)
    expect(client.scopes()).toEqual(['mcp'])
    expect(await client.tools()).toEqual(['whoami'])
    expect(await client.call('whoami')).toBe('ada, mcp')
    await expect(client.call('write_note', { text: 'tea' })).rejects.toThrow()
    expect(client.scopes()).toContain('notes:write')
    await client.signIn()
    expect(await client.tools()).toEqual(['whoami', 'write_note'])
    expect(await client.call('write_note', { text: 'tea' })).toBe('Kept for ada.')
  } finally {
    await server.stop()
  }
})
