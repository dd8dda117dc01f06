/** Programs that are served from the process of the endpoint: each way in which a program connects to stdio. */
import { afterAll, expect, test } from 'vitest'
import { clients } from '../../examples/clients.ts'
import { startRoundRobin } from '../../support/proxy.ts'
import { startRedis } from '../../support/redis.ts'
import { Folder } from './served.ts'

const folder = new Folder()
afterAll(() => folder.remove())

test.each([
  ['@fixtures/esm-1x', '@modelcontextprotocol/sdk 1.32.2'],
  ['@fixtures/cjs-1x', '@modelcontextprotocol/sdk 1.32.2'],
  ['@fixtures/transport-2x', '@modelcontextprotocol/server 2.4.0'],
  ['@fixtures/factory-2x', '@modelcontextprotocol/server 2.4.0'],
  ['low-level', '@modelcontextprotocol/sdk 1.32.2'],
])('%s is served with its arguments to every client', async (name, sdk) => {
  const served = await folder.serve([name, '--', 'Good day'])
  for (const [kind, connect] of clients) {
    const client = await connect(served.url)
    expect([kind, await client.tools()]).toEqual([kind, ['greet']])
    expect(await client.call('greet', { name: 'Ada' })).toMatchObject({ text: 'Good day Ada', isError: false })
    await client.close()
  }
  const log = served.lines.join('\n')
  expect(log).toMatch(new RegExp(`${name} 1\\.\\d\\.\\d runs in this process, with ${sdk}\\.`))
  expect(log).toMatch(/has one instance for all clients of this process: nothing in it is bound to a client/)
  // A program does not hear that its clients are gone.
  served.kill('SIGTERM')
  expect(await served.code).toBe(0)
})

test('three instances serve one session with nothing but REDIS_URL', async () => {
  const redis = await startRedis()
  const started = [0, 1, 2].map(() => folder.serve(['@fixtures/esm-1x', '--isolate', 'none'], { REDIS_URL: redis.url }))
  const three = await Promise.all(started)
  const proxy = await startRoundRobin(three.map(({ url }) => url.origin))
  for (const [, connect] of clients) {
    const client = await connect(new URL('/mcp', proxy.url))
    for (let i = 0; i < 6; i++) expect((await client.call('greet', { name: `${i}` })).text).toBe(`Hello ${i}`)
    await client.close()
  }
  expect(Math.min(...proxy.counts)).toBeGreaterThan(5)
  await proxy.close()
  await Promise.all(three.map((served) => served.stop()))
  await redis.stop()
})

test('a server that keeps the state of one client is shared only where the operator says so', async () => {
  const served = await folder.serve(['stateful', '--isolate', 'none'])
  expect(await served.line(/--isolate none says so/)).toContain(
    'sets oninitialized, so it keeps the state of one client',
  )
  const [[, connect]] = clients as [(typeof clients)[0]]
  const client = await connect(served.url)
  expect((await client.call('greet', { name: 'Ada' })).text).toMatch(/^Hello Ada of undefined/)
  await client.close()
  await served.stop()
})

test('a transport of its own is left out where the operator says so', async () => {
  const served = await folder.serve(['wrapping', '--isolate', 'none'])
  await served.line(/The transport that wrapping 1\.0\.0 has around stdio is left out/)
  for (const [, connect] of clients) {
    const client = await connect(served.url)
    expect((await client.call('greet', { name: 'Ada' })).text).toBe('Hello Ada')
    await client.close()
  }
  await served.stop()
})

test('the first of two servers is served, with a warning', async () => {
  const served = await folder.serve(['two-servers', '--isolate', 'none'])
  await served.line(/two-servers 1\.0\.0 connects a second server to stdio\. Only its first one is served\./)
  const [[, connect]] = clients as [(typeof clients)[0]]
  const client = await connect(served.url)
  expect(await client.tools()).toEqual(['first'])
  await client.close()
  await served.stop()
})

test('a server asks its client, with a session and without', async () => {
  const served = await folder.serve(['asking', '--isolate', 'none'])
  for (const [index, [kind, connect]] of clients.entries()) {
    const client = await connect(served.url, { form: () => ({ name: kind }) })
    expect((await client.call('ask')).text).toBe(`${kind} in run ${index + 1}`)
    await client.close()
  }
  await served.stop()
})
