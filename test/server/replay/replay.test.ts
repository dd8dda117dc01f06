/** `replay: 'always'`: handlers are run again after each of their steps, and differences are published. */
import { AskPending, type Context, McpServer } from 'mcp-anywhere'
import { type TestClient, testClient } from 'mcp-anywhere/testing'
import { afterEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { ClientChannel } from '../../../lib/server/context/client-channel.ts'
import { ReplayedCall } from '../../../lib/server/replay/call.ts'
import { fakeChannel } from '../fake-channel.ts'

const open: TestClient[] = []
afterEach(async () => {
  for (const client of open.splice(0).reverse()) await client[Symbol.asyncDispose]()
})

const text = (value: unknown) => ({ content: [{ type: 'text' as const, text: String(value) }] })
const sure = z.object({ sure: z.boolean() })

type Handler = (ctx: Context) => Promise<{ content: { type: 'text'; text: string }[] }>

interface Options {
  revision?: string
  readOnly?: boolean
  durable?: boolean
}

/** Calls a tool with replays. `differences` are the warnings, `runs` is how often the handler was called. */
async function call(handler: Handler, { revision, readOnly, durable = readOnly !== true }: Options = {}) {
  let runs = 0
  const server = new McpServer({ name: 'replayed', version: '1' })
  const annotations = { readOnlyHint: readOnly === true }
  server.registerTool('transfer', { durable, annotations }, (ctx: Context) => {
    runs++
    return handler(ctx)
  })
  const differences: string[] = []
  const client = await testClient(server, {
    revision,
    elicit: () => ({ action: 'accept', content: { sure: true } }),
    endpoint: { replay: 'always', onError: (error) => differences.push((error as Error).message) },
  })
  open.push(client)
  const result = await client.callTool({ name: 'transfer' })
  const [content] = result.content as { text: string }[]
  return { differences, runs, text: content?.text }
}

describe.each(['2025-11-25', '2026-07-28'])('%s: a handler', (revision) => {
  test('that is the same in each run has no difference, and its functions of once run once', async () => {
    let charges = 0
    const {
      differences,
      text: said,
      runs,
    } = await call(
      async (ctx) => {
        const { content } = await ctx.elicit('Sure?', sure)
        await ctx.log('info', 'Charging')
        const receipt = await ctx.once('charge', () => ++charges)
        await ctx.log('info', `Charged ${receipt}`)
        return text(`${content?.sure} ${receipt}`)
      },
      { revision },
    )
    expect(differences).toEqual([])
    expect(said).toBe('true 1')
    expect(charges).toBe(1)
    expect(runs).toBeGreaterThan(2)
  })

  test('whose messages differ is named with the message, what it was and what it is', async () => {
    let n = 0
    const { differences } = await call(
      async (ctx) => {
        await ctx.log('info', `try ${++n}`)
        await ctx.elicit('Sure?', sure)
        return text('done')
      },
      { revision },
    )
    expect(differences).toHaveLength(1)
    expect(differences[0]).toMatch(/^REPLAY: the handler of the tool "transfer" differs where it is run again/)
    expect(differences[0]).toMatch(/message 1 was .*try 1.* and is .*try 2/)
    expect(differences[0]).toContain('belong in ctx.once')
  })

  test('whose question differs under one key is named with the question', async () => {
    let n = 0
    const { differences } = await call(
      async (ctx) => {
        await ctx.elicit(`Pay ${Math.min(2, ++n)}?`, sure, { key: 'pay' })
        return text('done')
      },
      { revision },
    )
    expect(differences).toHaveLength(1)
    expect(differences[0]).toMatch(/the question "pay" was .*Pay 1.* and is .*Pay 2/)
  })

  test('whose key differs is named with both keys', async () => {
    let n = 0
    const { differences } = await call(
      async (ctx) => {
        await ctx.elicit('Pay?', sure, { key: `pay-${Math.min(2, ++n)}` })
        return text('done')
      },
      { revision },
    )
    expect(differences).toHaveLength(1)
    expect(differences[0]).toContain('the question "pay-1" was answered, and the replay asks "pay-2" in its place')
  })

  test('whose name in once differs is named with both names', async () => {
    let n = 0
    const { differences } = await call(
      async (ctx) => {
        await ctx.once(`charge-${Math.min(2, ++n)}`, () => 1)
        return text('done')
      },
      { revision },
    )
    expect(differences).toHaveLength(1)
    expect(differences[0]).toContain(
      'ctx.once("charge-1") was done, and the replay does ctx.once("charge-2") in its place',
    )
  })

  test('that returns the time of day is named with both results', async () => {
    let n = 0
    const { differences } = await call(async () => text(`at ${++n}`), { revision })
    expect(differences).toHaveLength(1)
    expect(differences[0]).toMatch(/at its end: the result was .*at 1.* and is .*at 2/)
  })

  test('that goes on after AskPending is named with the question', async () => {
    const { differences } = await call(
      async (ctx) => {
        try {
          await ctx.elicit('Sure?', sure, { key: 'sure' })
        } catch {
          return text('declined')
        }
        return text('done')
      },
      { revision },
    )
    expect(differences).toHaveLength(1)
    expect(differences[0]).toContain('caught AskPending and went on, though the client has yet to answer "sure"')
  })

  test('that throws AskPending again has no difference', async () => {
    const { differences } = await call(
      async (ctx) => {
        try {
          await ctx.elicit('Sure?', sure)
        } catch (error) {
          if (error instanceof AskPending) throw error
          return text('declined')
        }
        return text('done')
      },
      { revision },
    )
    expect(differences).toEqual([])
  })

  test('whose once returns what JSON changes is named with the member', async () => {
    const { differences } = await call(
      async (ctx) => {
        const { paid } = await ctx.once('pay', () => ({ paid: new Date(0) }))
        return text(new Date(paid).getTime())
      },
      { revision },
    )
    expect(differences).toHaveLength(1)
    expect(differences[0]).toContain(
      'of ctx.once("pay") "paid" is of the class Date, and "1970-01-01T00:00:00.000Z" in a replay',
    )
  })
})

describe('a handler', () => {
  test('that only reads may return what differs', async () => {
    let n = 0
    const work: Handler = async (ctx) => {
      await ctx.elicit('Which?', sure)
      return text(++n)
    }
    expect(await call(work, { readOnly: true })).toMatchObject({ differences: [] })
  })

  test('of a tool that is neither durable nor reads is not run again in a session', async () => {
    const work: Handler = async (ctx) => {
      await ctx.elicit('Sure?', sure)
      return text('done')
    }
    expect(await call(work, { durable: false })).toMatchObject({ runs: 1, differences: [] })
  })

  test('of such a tool is compared where an answer of 2026-07-28 runs it again', async () => {
    let n = 0
    const work: Handler = async (ctx) => {
      await ctx.log('info', `try ${++n}`)
      await ctx.elicit('Sure?', sure)
      return text('done')
    }
    const { differences, runs } = await call(work, { durable: false, revision: '2026-07-28' })
    expect(runs).toBe(2)
    expect(differences).toHaveLength(1)
  })

  test('with functions side by side has no difference', async () => {
    const { differences } = await call(async (ctx) => {
      const [a, b, { content }] = await Promise.all([
        ctx.once('a', async () => 1),
        ctx.once('b', () => new Promise<number>((resolve) => void setImmediate(() => resolve(2)))),
        ctx.elicit('Sure?', sure),
      ])
      return text(`${a}${b}${content?.sure}`)
    })
    expect(differences).toEqual([])
  })

  test('whose function in once fails gets the failure in its replay, too', async () => {
    let n = 0
    const { text: said, differences } = await call(async (ctx) => {
      const value = await ctx.once('a', () => Promise.reject(new Error(`no ${++n}`))).catch((error) => error.message)
      await ctx.elicit('Sure?', sure)
      return text(value)
    })
    expect(said).toBe('no 1')
    expect(n).toBe(1)
    expect(differences).toEqual([])
  })
})

test('a replay that waits for what its run holds is given up, and the run goes on', async () => {
  let last: Promise<unknown> = Promise.resolve()
  const locked = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = last.then(work, work)
    last = mine
    return mine
  }
  const reports: string[] = []
  const parts = {
    dispatch: (channel: ClientChannel) =>
      locked(async () => ({ value: await channel.once('a', () => 1), isLate: reports.length > 0 })),
    name: 'tool "locked"',
    mode: 'replay' as const,
    compareResults: false,
    seesPending: true,
    patience: 20,
    strict: false,
    report: (text: string) => reports.push(text),
  }
  const result = await new ReplayedCall(parts, fakeChannel()).run()
  expect(result).toEqual({ value: 1, isLate: true })
  expect(reports).toEqual([expect.stringContaining('after ctx.once("a"): the replay took 0.02 s')])
})

describe.each(['2025-11-25', '2026-07-28'])('testClient with replay, %s', (revision) => {
  test('fails the call whose handler differs', async () => {
    const server = new McpServer({ name: 'replayed', version: '1' })
    let n = 0
    server.registerTool('transfer', { durable: true }, async (ctx) => {
      await ctx.log('info', `try ${++n}`)
      await ctx.elicit('Sure?', sure)
      return text('done')
    })
    const client = await testClient(server, {
      revision,
      replay: true,
      elicit: () => ({ action: 'accept', content: { sure: true } }),
    })
    open.push(client)
    await expect(client.callTool({ name: 'transfer' })).rejects.toThrow(
      /REPLAY: .*message 1 was .*try 1.* and is .*try 2/,
    )
  })
})
