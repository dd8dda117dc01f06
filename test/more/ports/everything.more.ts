/** The reference server "everything", moved to this package. */
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { clients, type Side } from '../../examples/clients.ts'
import { type PortFleet, startPort } from '../../ports/fleet.ts'
import { expectSameLists } from '../../ports/same-lists.ts'

const DOCUMENT = 'demo://resource/static/document/features.md'
const able: Side = {
  model: (prompt) => `A model reads: ${prompt}`,
  roots: [{ uri: 'file:///work', name: 'Work' }],
}
const sessions = clients.slice(0, 2)

let fleet: PortFleet

beforeAll(async () => {
  fleet = await startPort('everything')
})

afterAll(() => fleet.stop())

test('has the tools, prompts and resources of the package, but for its task', async () => {
  const { tools, prompts, resources, templates } = await expectSameLists(fleet, {
    side: able,
    without: ['simulate-research-query'],
    adjust: ({ prompts }) => {
      // The SDK loses the description of an optional argument.
      const { arguments: args } = prompts.find(({ name }) => name === 'args-prompt') as { arguments: object[] }
      Object.assign(args[1]!, { description: 'Name of the state' })
    },
  })
  expect([tools.length, prompts.length, resources.length, templates.length]).toEqual([16, 4, 7, 2])
})

test.each(sessions)('hides tools from clients that cannot use them (%s)', async (_, connect) => {
  const [one, other] = await Promise.all([connect(fleet.url), connect(fleet.url, able)])
  const needing = ['get-roots-list', 'trigger-sampling-request']
  expect((await one.tools()).filter((name) => needing.includes(name))).toEqual([])
  expect((await other.tools()).filter((name) => needing.includes(name))).toEqual(needing)
  await expect(one.call('get-roots-list')).rejects.toThrow()
  await one.close()
  await other.close()
})

test.each(clients)('returns content and structured content (%s)', async (_, connect) => {
  const client = await connect(fleet.url)
  expect((await client.call('echo', { message: 'hello' })).text).toBe('Echo: hello')
  expect((await client.call('get-sum', { a: 1, b: 2 })).text).toBe('The sum of 1 and 2 is 3.')
  const weather = { temperature: 33, conditions: 'Cloudy', humidity: 82 }
  expect((await client.call('get-structured-content', { location: 'New York' })).structured).toEqual(weather)
  const { content } = await client.official.callTool({
    name: 'get-annotated-message',
    arguments: { messageType: 'error' },
  })
  expect(content).toEqual([
    { type: 'text', text: 'Error: Operation failed', annotations: { priority: 1, audience: ['user', 'assistant'] } },
  ])
  await client.close()
})

test.each(clients)('reports progress (%s)', async (_, connect) => {
  const client = await connect(fleet.url)
  const steps: number[] = []
  const args = { duration: 0.3, steps: 3 }
  const { text } = await client.call('trigger-long-running-operation', args, (_message, progress) =>
    steps.push(progress),
  )
  expect(text).toContain('Long running operation completed')
  expect(steps).toEqual([1, 2, 3])
  await client.close()
})

test.each(sessions)('sends log messages of a call (%s)', async (_, connect) => {
  const logged: unknown[] = []
  const client = await connect(fleet.url, { log: (data) => logged.push(data) })
  await client.official.setLoggingLevel('debug')
  const { text } = await client.call('toggle-simulated-logging')
  expect(text).toContain('Started simulated, random-leveled logging')
  await expect.poll(() => logged, { timeout: 20_000 }).toEqual([expect.stringMatching(/level.message - SessionId /)])
  await client.close()
})

test.each(clients)('asks the user to fill in a form (%s)', async (_, connect) => {
  const form = () => ({ name: 'Ada', integer: 7 })
  const client = await connect(fleet.url, { form })
  const { text } = await client.call('trigger-elicitation-request')
  expect(text).toContain('User provided the requested information')
  expect(text).toContain('- Name: Ada\n- Favorite Integer: 7')
  const declining = await connect(fleet.url)
  expect((await declining.call('trigger-elicitation-request')).text).toContain('User declined')
  await client.close()
  await declining.close()
})

test.each([sessions[0]!, sessions[1]!, clients[2]!])('asks the user to open a page (%s)', async (_, connect) => {
  const opened: string[] = []
  const client = await connect(fleet.url, { page: (url) => opened.push(url) })
  const { text } = await client.call('trigger-url-elicitation', { url: 'https://example.com/sign-in' })
  expect(text).toContain('User completed the URL elicitation flow')
  expect(opened).toEqual(['https://example.com/sign-in'])
  await client.close()
})

test.each(sessions)('an error of the SDK keeps its code and its data (%s)', async (_, connect) => {
  const client = await connect(fleet.url)
  const call = client.call('trigger-url-elicitation', { url: 'https://example.com/', errorPath: true })
  await expect(call).rejects.toMatchObject({
    code: -32042,
    data: { elicitations: [expect.objectContaining({ url: 'https://modelcontextprotocol.io' })] },
  })
  await client.close()
})

test.each(clients)('asks the model of the client (%s)', async (_, connect) => {
  const client = await connect(fleet.url, able)
  const { text } = await client.call('trigger-sampling-request', { prompt: 'a prompt' })
  expect(text).toContain('A model reads: Resource trigger-sampling-request context: a prompt')
  await client.close()
})

test.each(clients)('asks for the folders of the client (%s)', async (_, connect) => {
  const client = await connect(fleet.url, able)
  expect((await client.call('get-roots-list')).text).toContain('1. Work\n   URI: file:///work')
  await client.close()
})

test.each(clients)('completes arguments of prompts and templates (%s)', async (_, connect) => {
  const client = await connect(fleet.url)
  const prompt = { type: 'ref/prompt' as const, name: 'completable-prompt' }
  expect(await client.complete(prompt, 'department', 'S')).toEqual(['Sales', 'Support'])
  expect(await client.complete(prompt, 'name', 'D', { department: 'Sales' })).toEqual(['David'])
  const template = { type: 'ref/resource' as const, uri: 'demo://resource/dynamic/text/{resourceId}' }
  expect(await client.complete(template, 'resourceId', '12')).toEqual(['12'])
  await client.close()
})

test.each(clients)('gives prompts and resources (%s)', async (_, connect) => {
  const client = await connect(fleet.url)
  const asked = await client.prompt('args-prompt', { city: 'Paris' })
  expect(asked).toBe("What's weather in Paris?")
  expect(await client.prompt('simple-prompt', {})).toBe('This is a simple prompt without arguments.')
  expect(await client.read(DOCUMENT)).toContain('# ')
  expect(await client.read('demo://resource/dynamic/text/7')).toContain('Resource 7: This is a plaintext resource')
  await expect(client.read('demo://resource/dynamic/text/none')).rejects.toThrow()
  await client.close()
})

test.each(clients)('publishes updates of a resource to its subscribers (%s)', async (_, connect) => {
  const updates: string[] = []
  const client = await connect(fleet.url, { updated: (uri) => updates.push(uri) })
  await client.subscribe(DOCUMENT)
  await client.call('toggle-subscriber-updates')
  await expect.poll(() => updates, { timeout: 20_000 }).toContain(DOCUMENT)
  await client.close()
})

test.each(clients)('compresses a file into a resource (%s)', async (_, connect) => {
  const client = await connect(fleet.url)
  const args = { name: 'hello.gz', data: 'data:text/plain,hello', outputType: 'resource' }
  const { content } = await client.official.callTool({ name: 'gzip-file-as-resource', arguments: args })
  const [{ resource }] = content as [{ resource: { blob: string } }]
  expect(gunzipSync(Buffer.from(resource.blob, 'base64')).toString()).toBe('hello')
  await client.close()
})
