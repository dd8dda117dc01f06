/** The server of the run. Each tool records its steps in the ledger, and each message names its session, call and run. */
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import type { Context } from '../../../lib/server/context/context.ts'
import { AskError, AskPending } from '../../../lib/server/context/errors.ts'
import { McpServer } from '../../../lib/server/mcp-server.ts'
import { ResourceTemplate } from '../../../lib/server/registry/resource-template.ts'
import { type Entry, ONCE_EFFECTS, SINGLE, type Tool } from '../history.ts'
import type { Timeline } from '../timeline.ts'
import type { Ledger } from './ledger.ts'
import { registerTasks } from './task-tools.ts'

const input = z.object({
  session: z.string(),
  call: z.string(),
  /** Progress and log messages. */
  steps: z.int().default(0),
  asks: z.int().default(0),
  /** ms between two steps. */
  pause: z.number().default(0),
  uri: z.string().default(''),
})
type Input = z.output<typeof input>
const form = z.object({ value: z.string() })

interface Run extends Input {
  run: string
  record(e: Entry['e'], more?: Partial<Entry>): void
}

export function makeServer(name: string, write: Ledger, now: Timeline): McpServer {
  const server = new McpServer({ name: 'nemesis', version: '1.0.0' })
  let runs = 0

  function tool(
    kind: Tool,
    { durable, ...hints }: { readOnlyHint?: true; idempotentHint?: true; durable?: true },
    work: (run: Run, ctx: Context) => Promise<void> | void,
  ): void {
    const config = { description: kind, inputSchema: input, annotations: hints, ...(durable && { durable }) }
    server.registerTool(kind, config, (args, ctx) => {
      const run = `${name}/${++runs}`
      const { call, session } = args
      const record: Run['record'] = (e, more) => write({ e, call, session, run, tool: kind, ...more })
      record('begin')
      const end = () => {
        record('end')
        return { content: [{ type: 'text' as const, text: JSON.stringify({ call, session, run }) }] }
      }
      const fail = (error: unknown) => {
        if (error instanceof AskPending) record(ctx.session ? 'suspended' : 'asked', { n: 0 })
        else record('abort', { text: String(error).slice(0, 200) })
        throw error
      }
      const done = work({ ...args, run, record }, ctx)
      return done ? done.then(end).catch(fail) : end()
    })
  }

  async function step({ call, session, run, pause, steps }: Run, n: number, ctx: Context, signal = true) {
    if (pause > 0) await sleep(pause, undefined, signal ? { signal: ctx.signal } : {})
    await ctx.progress(n, steps, `${call} ${run}`)
    await ctx.log('info', { call, session, run, n, at: now() })
  }

  async function walk(run: Run, ctx: Context): Promise<void> {
    for (let n = 1; n <= run.steps; n++) await step(run, n, ctx)
  }

  async function askOnce(
    { call, session, run, record }: Run,
    n: number,
    ctx: Context,
    replayed: boolean,
  ): Promise<void> {
    record('asked', { n })
    // A replay must ask the same.
    const named = replayed ? { call, session, n } : { call, session, run, n }
    const answer = await ctx.elicit(JSON.stringify(named), form, { key: `ask-${n}` })
    record('answered', { n, value: answer.content?.value ?? answer.action })
  }

  async function ask(run: Run, ctx: Context): Promise<void> {
    for (let n = 1; n <= run.asks; n++) {
      if (n <= run.steps) await step(run, n, ctx)
      await askOnce(run, n, ctx, !ctx.session)
    }
  }

  /** It takes a while, in which faults can hit it. */
  async function effect({ record, pause }: Run, n: number, ctx: Context): Promise<void> {
    await ctx.once(`effect ${n}`, () => {
      record('effect', { n })
      return sleep(2 * pause)
    })
    record('kept', { n })
  }

  /** Steps, effects and asks in turn, and at the end an effect that may not happen twice. */
  async function durable(run: Run, ctx: Context): Promise<void> {
    const { record, steps, asks } = run
    for (let n = 1; n <= Math.max(steps, asks, ONCE_EFFECTS); n++) {
      if (n <= steps) await step(run, n, ctx)
      if (n <= ONCE_EFFECTS) await effect(run, n, ctx)
      if (n <= asks) {
        await askOnce(run, n, ctx, true).catch((error) => {
          if (error instanceof AskError) record('failed', { text: error.reason })
          throw error
        })
      }
    }
    const single = () => {
      record('effect', { n: SINGLE })
      return sleep(2 * run.pause)
    }
    await ctx.once('single', single, { single: true })
    record('kept', { n: SINGLE })
  }

  tool('short', { readOnlyHint: true }, () => {})
  tool('quiet', { readOnlyHint: true }, ({ pause }, ctx) => sleep(pause, undefined, { signal: ctx.signal }))
  tool('effect', {}, async ({ record, pause }) => {
    record('effect')
    if (pause > 0) await sleep(pause)
  })
  tool('steps', {}, async (run, ctx) => {
    run.record('effect')
    await walk(run, ctx)
  })
  tool('steps_again', { idempotentHint: true }, walk)
  tool('ask', {}, async (run, ctx) => {
    run.record('effect')
    await ask(run, ctx).catch((error) => {
      if (!(error instanceof AskError)) throw error
      run.record('failed', { text: error.reason })
    })
  })
  tool('ask_again', { idempotentHint: true }, ask)
  tool('stubborn', {}, async (run, ctx) => {
    run.record('effect')
    for (let n = 1; n <= run.steps; n++) await step(run, n, ctx, false)
  })
  tool('paused', {}, async (run, ctx) => {
    run.record('effect')
    for (let n = 1; n <= run.steps; n++) {
      await step(run, n, ctx)
      if (n === Math.ceil(run.steps / 2)) ctx.closeStream(100)
    }
  })
  tool('once', {}, async (run, ctx) => {
    await ask(run, ctx)
    await ctx.once('effect', () => run.record('effect'), { single: true })
  })
  tool('durable', { durable: true }, durable)
  tool('announce', {}, async ({ record, uri }, ctx) => {
    record('effect', { uri })
    await ctx.announce.resourceUpdated(uri)
    record('announced', { uri })
  })
  registerTasks(server, name, write)
  server.registerResource(
    'watched',
    new ResourceTemplate('nemesis://watched/{n}', { list: undefined }),
    { description: 'A resource to subscribe to' },
    (uri) => ({ contents: [{ uri: uri.href, text: 'watched' }] }),
  )
  return server
}
