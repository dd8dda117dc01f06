/** The tools of the run that are tasks. Each records its steps in the ledger, and each text names its call and run. */
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { ProtocolError } from '../../../lib/protocol/errors.ts'
import type { Context } from '../../../lib/server/context/context.ts'
import { AskPending } from '../../../lib/server/context/errors.ts'
import type { McpServer } from '../../../lib/server/mcp-server.ts'
import { type Entry, ONCE_EFFECTS, SINGLE } from '../history.ts'
import { BROKEN_CODE, TASK_TTL, type TaskTool } from '../task-history.ts'
import type { Ledger } from './ledger.ts'

const input = z.object({
  session: z.string(),
  call: z.string(),
  /** Status messages. */
  steps: z.int(),
  asks: z.int(),
  /** The asks are in one leg. */
  together: z.boolean(),
  /** ms between two steps. */
  pause: z.number(),
  ends: z.enum(['well', 'wrong', 'broken']),
})
type Input = z.output<typeof input>
const form = z.object({ value: z.string() })

interface Run extends Input {
  run: string
  record(e: Entry['e'], more?: Partial<Entry>): void
}

export function registerTasks(server: McpServer, name: string, write: Ledger): void {
  let runs = 0

  function tool(
    kind: TaskTool,
    { durable, start }: { durable?: true; start?: 'handler' },
    work: (run: Run, ctx: Context) => Promise<void>,
  ): void {
    const task = { support: 'optional' as const, ttl: TASK_TTL, pollInterval: 1_000, ...(start && { start }) }
    const config = { description: kind, inputSchema: input, task, ...(durable && { durable }) }
    server.registerTool(kind, config, async (args, ctx) => {
      const { call, session, ends } = args
      const run = `${name}/t${++runs}`
      const record: Run['record'] = (e, more) => write({ e, call, session, run, tool: kind, ...more })
      record('begin')
      try {
        await work({ ...args, run, record }, ctx)
      } catch (error) {
        if (error instanceof AskPending) record('suspended')
        else record('abort', { text: String(error).slice(0, 200) })
        throw error
      }
      record('end')
      if (ends === 'broken') throw new ProtocolError(BROKEN_CODE, `${call} ${run}`)
      const content = [{ type: 'text' as const, text: JSON.stringify({ call, session, run }) }]
      return ends === 'wrong' ? { content, isError: true } : { content }
    })
  }

  async function step({ call, run, pause, steps }: Run, n: number, ctx: Context): Promise<void> {
    await sleep(pause, undefined, { signal: ctx.signal })
    await ctx.progress(n, steps, `${call} ${run}`)
  }

  async function ask({ call, session, record }: Run, n: number, ctx: Context): Promise<void> {
    const answer = await ctx.elicit(JSON.stringify({ call, session, n }), form, { key: `ask-${n}` })
    record('answered', { n, value: answer.content?.value ?? answer.action })
  }

  async function effect({ record }: Run, n: number, ctx: Context): Promise<void> {
    await ctx.once(`effect ${n}`, () => record('effect', { n }))
    record('kept', { n })
  }

  /** Steps, effects and asks in turn, and at the end an effect that may not happen twice. */
  async function work(run: Run, ctx: Context): Promise<void> {
    const { record, steps, asks, together } = run
    const numbers = Array.from({ length: asks }, (_, i) => i + 1)
    for (let n = 1; n <= Math.max(steps, asks, ONCE_EFFECTS); n++) {
      if (n <= steps) await step(run, n, ctx)
      if (n <= ONCE_EFFECTS) await effect(run, n, ctx)
      if (together && n === 1) await Promise.all(numbers.map((one) => ask(run, one, ctx)))
      else if (!together && n <= asks) await ask(run, n, ctx)
    }
    await ctx.once('single', () => record('effect', { n: SINGLE }), { single: true })
    record('kept', { n: SINGLE })
  }

  tool('task', { durable: true }, work)
  tool('task_later', { durable: true, start: 'handler' }, async (run, ctx) => {
    await ask(run, 0, ctx)
    await ctx.task()
    await work(run, ctx)
  })
  tool('task_fragile', {}, async (run, ctx) => {
    run.record('effect', { n: 1 })
    for (let n = 1; n <= run.steps; n++) await step(run, n, ctx)
  })
}
