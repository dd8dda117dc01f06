/** The examples that export a server: started as their README says, used by the official clients. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { testClient } from 'mcp-anywhere/testing'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { bundle } from '../../tools/build.ts'
import { type Connect, client1, clients, type ExampleClient, type Side } from './clients.ts'
import { commands, Example } from './process.ts'

const examples = fileURLToPath(new URL('../../examples', import.meta.url))

let example: Example
const open: ExampleClient[] = []
afterEach(async () => {
  for (const client of open.splice(0)) await client.close()
})

/** Starts the example before the tests, and ends it after them. */
function running(name: string): void {
  beforeAll(async () => {
    example = await Example.start(name)
  })
  afterAll(() => example.end('SIGKILL'))
}

const connected = async (connect: Connect, side?: Side) => {
  const client = await connect(example.url, side)
  open.push(client)
  return client
}

test('examples/README.md lists every example, and nothing else', () => {
  const files = readdirSync(examples).filter((name) => name !== 'README.md')
  expect([...commands.keys()].sort()).toEqual(files.sort())
})

describe('minimal.ts', () => {
  running('minimal.ts')

  test.each(clients)('greets client %s', async (_, connect) => {
    const client = await connected(connect)
    expect(await client.tools()).toEqual(['greet'])
    expect(await client.call('greet', { name: 'Ada' })).toMatchObject({ text: 'Hello, Ada!', isError: false })
  })
})

describe('a bundle of minimal.ts', () => {
  const out = mkdtempSync(join(tmpdir(), 'mcp-anywhere-example-'))
  beforeAll(async () => {
    await bundle({ server: join(examples, 'minimal.ts'), out })
    example = await Example.run([join(out, 'node', 'server.mjs')])
  })
  afterAll(async () => {
    await example.end('SIGKILL')
    rmSync(out, { recursive: true, force: true })
  })

  test('has the package that the example imports by its name', async () => {
    const client = await connected(client1)
    expect((await client.call('greet', { name: 'Ada' })).text).toBe('Hello, Ada!')
  })
})

describe.each(clients)('tools-and-progress.ts with client %s', (_, connect) => {
  running('tools-and-progress.ts')

  test('a result has its structure', async () => {
    const client = await connected(connect)
    const { structured } = await client.call('count_words', { text: 'to be or not' })
    expect(structured).toEqual({ words: 4, characters: 12 })
  })

  test('progress arrives before the result, in its order', async () => {
    const client = await connected(connect)
    const events: string[] = []
    const { text } = await client.call('translate', { texts: ['one', 'two'] }, (message) => events.push(message))
    expect(text).toBe('ONE\nTWO')
    expect(events).toEqual(['translated "one"', 'translated "two"'])
  })

  test('an exception is a result that says what is wrong', async () => {
    const client = await connected(connect)
    expect(await client.call('divide', { a: 1, b: 0 })).toMatchObject({ isError: true, text: 'b must not be 0.' })
    expect(await client.call('divide', { a: 1, b: 4 })).toMatchObject({ isError: false, text: '0.25' })
  })
})

describe.each(clients)('asking-the-user.ts with client %s', (_, connect) => {
  running('asking-the-user.ts')

  test('two forms are filled in, and the table is booked', async () => {
    const asked: string[] = []
    const form = (message: string) => {
      asked.push(message)
      return message.startsWith('A table') ? { guests: 4, seat: 'outside' } : { sure: true }
    }
    const client = await connected(connect, { form })
    expect((await client.call('book_table', { restaurant: 'Noma' })).text).toMatch(/^Booked for 4, outside: [\w-]{36}$/)
    expect(asked).toEqual(['A table at Noma?', 'Book for 4, outside?'])
  })

  test('a declined form books nothing', async () => {
    const client = await connected(connect, { form: () => undefined })
    expect((await client.call('book_table', { restaurant: 'Noma' })).text).toBe('Nothing was booked.')
  })

  test('the page that the user opens is that of the order, which is made once', async () => {
    const pages: string[] = []
    const client = await connected(connect, { page: (url) => pages.push(url) })
    const order = /^Waiting for the payment of (.*)\.$/.exec((await client.call('pay')).text)?.[1]
    expect(pages).toEqual([`https://pay.example.com/orders/${order}`])
  })

  test("the client's model names the dish, and the ingredients do where there is none", async () => {
    const prompts: string[] = []
    const model = (prompt: string) => {
      prompts.push(prompt)
      return 'Sea and field'
    }
    const args = { ingredients: ['rice', 'cod'] }
    expect((await (await connected(connect, { model })).call('name_a_dish', args)).text).toBe('Sea and field')
    expect(prompts).toEqual(['A name for a dish of rice, cod'])
    expect((await (await connected(connect)).call('name_a_dish', args)).text).toBe('rice and cod')
  })
})

describe.each(clients)('durable.ts with client %s', (_, connect) => {
  running('durable.ts')

  test('a purchase that is confirmed is charged once, and one that is not is not charged', async () => {
    let sure = true
    const client = await connected(connect, { form: () => ({ sure }) })
    const charges = async () => Number((await client.call('charges')).text)
    expect((await client.call('buy', { item: 'A lamp', price: 12 })).text).toBe('A lamp is bought: receipt-1')
    expect(await charges()).toBe(1)
    sure = false
    expect((await client.call('buy', { item: 'A lamp', price: 12 })).text).toBe('A lamp was not bought.')
    expect(await charges()).toBe(1)
  })
})

describe.each(['2025-11-25', '2026-07-28'])('durable.ts, %s', (revision) => {
  test('is the same in each of its replays', async () => {
    const { server } = await import('../../examples/durable.ts')
    const form = { action: 'accept' as const, content: { sure: true } }
    await using client = await testClient(server, { revision, replay: true, elicit: () => form })
    const { content } = await client.callTool({ name: 'buy', arguments: { item: 'A lamp', price: 12 } })
    expect(content).toEqual([{ type: 'text', text: expect.stringMatching(/^A lamp is bought: receipt-/) }])
  })
})

describe.each(clients)('resources-and-prompts.ts with client %s', (_, connect) => {
  running('resources-and-prompts.ts')

  test('lists, reads, completes and gets a prompt', async () => {
    const client = await connected(connect)
    for (const [city, celsius] of Object.entries({ berlin: 11, bergen: 7, rome: 22 })) {
      await client.call('report', { city, celsius })
    }
    expect(await client.resources()).toEqual(['weather://', 'weather://berlin', 'weather://bergen', 'weather://rome'])
    expect(await client.read('weather://')).toBe('berlin\nbergen\nrome')
    expect(await client.read('weather://rome')).toBe('{"celsius":22}')
    await expect(client.read('weather://paris')).rejects.toThrow('weather://paris')
    const variable = { type: 'ref/resource', uri: 'weather://{city}' } as const
    expect(await client.complete(variable, 'city', 'ber')).toEqual(['berlin', 'bergen'])
    const argument = { type: 'ref/prompt', name: 'compare' } as const
    expect(await client.complete(argument, 'first', 'r')).toEqual(['rome'])
    expect(await client.complete(argument, 'second', 'ber', { first: 'berlin' })).toEqual(['bergen'])
    const prompt = await client.prompt('compare', { first: 'rome', second: 'bergen' })
    expect(prompt).toBe('Compare rome (22 °C) with bergen (7 °C).')
  })

  test('a subscriber gets the update that another client caused', async () => {
    let updated: (uri: string) => void = () => {}
    const update = new Promise<string>((resolve) => {
      updated = resolve
    })
    const client = await connected(connect, { updated })
    await client.subscribe('weather://oslo')
    await (await connected(connect)).call('report', { city: 'oslo', celsius: 3 })
    expect(await update).toBe('weather://oslo')
    expect(await client.read('weather://oslo')).toBe('{"celsius":3}')
  })
})
