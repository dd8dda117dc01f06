/** The bodies of the tools that the servers of both lines have: what differs between them is how a handler speaks to its client. */
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'

/** How a handler reaches its client. */
export interface Reach {
  /** `server.server.*`: without the request. */
  elicitInput(params: object, options?: object): Promise<{ action: string; content?: unknown }>
  createMessage(params: object): Promise<{ content: unknown }>
  listRoots(): Promise<{ roots: unknown[] }>
  ping(): Promise<unknown>
  log(params: { level: string; data: unknown }): Promise<void>
  declared(): unknown
  version(): unknown
  /** `extra` or `ctx`: with the request. */
  notify(notification: object): Promise<void>
  ask(request: object): Promise<unknown>
  readonly signal: AbortSignal
  readonly meta: { progressToken?: unknown } | undefined
  readonly who: { sessionId: unknown; clientId: unknown; header: unknown; url: unknown }
}

// biome-ignore lint/suspicious/noExplicitAny: the parameters of the SDK's methods are not what is tested
export type Loose = any

type OfServer = 'elicitInput' | 'createMessage' | 'listRoots' | 'ping' | 'log' | 'declared' | 'version'

/** What both lines have at the low-level server. */
export function ofServer(low: Loose): Pick<Reach, OfServer> {
  return {
    elicitInput: (params, options) => low.elicitInput(params, options),
    createMessage: (params) => low.createMessage(params),
    listRoots: () => low.listRoots(),
    ping: () => low.ping(),
    log: (params) => low.sendLoggingMessage(params),
    declared: () => low.getClientCapabilities(),
    version: () => low.getClientVersion(),
  }
}

type Result = { content: { type: 'text'; text: string }[]; isError?: boolean }

export const text = (value: unknown): Result => ({
  content: [{ type: 'text', text: typeof value === 'string' ? value : JSON.stringify(value) }],
})

const form = (message: string) => ({
  message,
  requestedSchema: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] },
})

interface Tool {
  description: string
  inputSchema?: { [name: string]: z.ZodType }
  annotations?: { readOnlyHint?: boolean; idempotentHint?: boolean }
  run(args: Record<string, unknown>, reach: Reach): Promise<Result>
}

/** How often each call with an effect ran, by its label, in this process. */
export const effects = new Map<string, number>()

const nameIn = (answer: { content?: unknown }) => (answer.content as { name?: unknown } | undefined)?.name

/** What a handler left behind. */
let leave = () => {}
export const left = new Promise<void>((resolve) => {
  leave = resolve
})

export const TOOLS: Readonly<Record<string, Tool>> = {
  add: {
    description: 'Adds two numbers',
    inputSchema: { a: z.number(), b: z.number() },
    annotations: { readOnlyHint: true },
    run: async ({ a, b }) => text(String(Number(a) + Number(b))),
  },
  count: {
    description: 'Reports its progress; it may run again',
    inputSchema: { n: z.number(), delayMs: z.number() },
    annotations: { readOnlyHint: true },
    run: async ({ n, delayMs }, reach) => {
      await count(Number(n), Number(delayMs), reach)
      return text(`done ${n} in ${process.pid}`)
    },
  },
  count_once: {
    description: 'Reports its progress; it may not run again',
    inputSchema: { n: z.number(), delayMs: z.number() },
    run: async ({ n, delayMs }, reach) => {
      await count(Number(n), Number(delayMs), reach)
      return text(`done ${n} in ${process.pid}`)
    },
  },
  ask: {
    description: 'Asks without naming the request',
    inputSchema: { message: z.string() },
    annotations: { readOnlyHint: true },
    run: async ({ message }, reach) => text(await reach.elicitInput(form(String(message)))),
  },
  ask_related: {
    description: 'Asks with the request',
    inputSchema: { message: z.string() },
    annotations: { idempotentHint: true },
    run: async ({ message }, reach) =>
      text(await reach.ask({ method: 'elicitation/create', params: { mode: 'form', ...form(String(message)) } })),
  },
  ask_once: {
    description: 'Asks, and may not run again',
    run: async (_args, reach) => text(await reach.elicitInput(form('Once?'))),
  },
  ask_in_turn: {
    description: 'Has an effect, asks three times, reports progress, and may not run again',
    inputSchema: { label: z.string() },
    run: async ({ label }, reach) => {
      effects.set(String(label), (effects.get(String(label)) ?? 0) + 1)
      const report = async (progress: number) => {
        const progressToken = reach.meta?.progressToken
        if (progressToken === undefined) return
        const params = { progressToken, progress, message: `step ${progress}` }
        await reach.notify({ method: 'notifications/progress', params })
      }
      await report(0)
      const first = await reach.elicitInput(form('First?'))
      await report(1)
      const params = { mode: 'form', ...form('Second?') }
      const second = (await reach.ask({ method: 'elicitation/create', params })) as { content?: unknown }
      await report(2)
      const third = await reach.elicitInput(form('Third?'))
      return text([first, second, third].map(nameIn))
    },
  },
  ask_then_wait: {
    description: 'Asks, says that it goes on, waits for its cancel, and may not run again',
    run: async (_args, reach) => {
      await reach.elicitInput(form('Wait?'))
      await reach.log({ level: 'error', data: 'going on' })
      await sleep(60_000, undefined, { signal: reach.signal }).catch(() => {})
      return text('cancelled')
    },
  },
  ask_at_once: {
    description: 'Asks three things at once, and may not run again',
    run: async (_args, reach) => {
      const params = { mode: 'form', ...form('Two?') }
      const messages = [{ role: 'user', content: { type: 'text', text: 'Hi' } }]
      const [one, two, three] = await Promise.all([
        reach.elicitInput(form('One?')),
        reach.ask({ method: 'elicitation/create', params }) as Promise<{ content?: unknown }>,
        reach.createMessage({ messages, maxTokens: 10 }),
      ])
      return text([nameIn(one), nameIn(two), (three.content as { text?: unknown }).text])
    },
  },
  ask_aside: {
    description: 'Asks, does not wait for the answer, and may not run again',
    run: async (_args, reach) => {
      void reach.elicitInput(form('Aside?')).catch(() => {})
      return text('done')
    },
  },
  ask_briefly: {
    description: 'Asks, and does not wait for long',
    annotations: { readOnlyHint: true },
    run: async (_args, reach) => text(await reach.elicitInput(form('Soon?'), { timeout: 100 })),
  },
  ask_all: {
    description: 'Asks for a message, roots and a ping',
    annotations: { readOnlyHint: true },
    run: async (_args, reach) => {
      const messages = [{ role: 'user', content: { type: 'text', text: 'Hi' } }]
      const { content } = await reach.createMessage({ messages, maxTokens: 10 })
      const { roots } = await reach.listRoots()
      await reach.ping()
      return text({ content, roots })
    },
  },
  log: {
    description: 'Logs at two levels',
    run: async (_args, reach) => {
      await reach.log({ level: 'debug', data: 'small' })
      await reach.log({ level: 'error', data: 'large' })
      return text('logged')
    },
  },
  who: {
    description: 'The client as the server knows it',
    run: async (_args, reach) => text({ declared: reach.declared(), version: reach.version(), ...reach.who }),
  },
  wait: {
    description: 'Waits for its cancel',
    run: async (_args, reach) => {
      await reach.notify({ method: 'notifications/message', params: { level: 'info', data: 'waiting' } })
      await sleep(60_000, undefined, { signal: reach.signal }).catch(() => leave())
      return text('cancelled')
    },
  },
  late: {
    description: 'Asks after its end',
    run: async (_args, reach) => {
      queueMicrotask(async () => {
        await sleep(50)
        await reach.elicitInput(form('Late?')).catch((error: Error) => console.error(`late: ${error.message}`))
        await reach.log({ level: 'error', data: 'late' })
      })
      return text('ended')
    },
  },
  fail: {
    description: 'Fails',
    run: async () => {
      throw new Error('It failed.')
    },
  },
}

async function count(n: number, delayMs: number, reach: Reach): Promise<void> {
  for (let progress = 1; progress <= n; progress++) {
    await sleep(delayMs)
    const progressToken = reach.meta?.progressToken
    if (progressToken === undefined) continue
    await reach.notify({ method: 'notifications/progress', params: { progressToken, progress, total: n } })
  }
}
