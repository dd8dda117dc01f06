/**
 * A server with one tool, made with the library of the commit whose instance loads this module. Builds before durable calls do not
 * know `durable`; for them the tool is idempotent, so that they may run it again. Each step is a line in the file that LEDGER names.
 */
import { appendFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { z } from 'zod'
import type { Context } from '../../lib/server/context/context.ts'

type Library = typeof import('../../lib/server/mcp-server.ts')

const instance = pathToFileURL(process.argv[1] ?? '')
const { McpServer } = (await import(new URL('../../lib/server/mcp-server.ts', instance).href)) as Library

const config = {
  description: 'Asks, and is durable',
  inputSchema: z.object({ call: z.string() }),
  annotations: { idempotentHint: true },
  durable: true,
}

export const server = new McpServer({ name: 'durable', version: '1.0.0' })
server.registerTool('pay', config, async ({ call }, ctx: Context) => {
  const record = (step: string) => appendFileSync(process.env.LEDGER ?? '', `${call} ${step} ${process.pid}\n`)
  record('run')
  await ctx.once('reserve', () => record('reserve'))
  await ctx.progress(1)
  const { content } = await ctx.elicit(`Pay for ${call}?`, z.object({ ok: z.boolean() }), { key: 'pay' })
  await ctx.once('pay', () => record('pay'))
  await ctx.progress(2)
  return { content: [{ type: 'text', text: `${call} ${content?.ok ? 'paid' : 'declined'} by ${process.pid}` }] }
})
