/** The server of an instance with an SDK, for `startFleet`. It sends each span that has ended to the test, as an exporter would. */
import { trace } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import { z } from 'zod'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { startSdk } from './sdk.ts'
import { exported } from './tree.ts'

startSdk([
  {
    onStart() {},
    onEnd: (span: ReadableSpan) => void process.send?.({ span: exported(span) }),
    forceFlush: async () => {},
    shutdown: async () => {},
  },
])

export const server: McpServer = new McpServer({ name: 'traced', version: '1' })

const config = {
  annotations: { idempotentHint: true },
  description: 'Asks in its first run, and ends in its second one.',
}

server.registerTool('two_runs', config, async (ctx) => {
  const runs = Number((await ctx.session?.get('runs')) ?? 0) + 1
  await ctx.session?.set('runs', runs)
  if (runs === 1) {
    await ctx.elicit('Sure?', z.object({ sure: z.boolean() }))
    await ctx.progress(1)
    await new Promise(() => {})
  }
  trace.getTracer('author').startSpan('work').end()
  return { content: [{ type: 'text', text: `run ${runs}` }] }
})
