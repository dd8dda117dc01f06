/** The endpoint of this project with its defaults. */
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { createEndpoint, type EndpointOptions } from '../../../lib/endpoint.ts'
import { McpServer } from '../../../lib/server/mcp-server.ts'
import { memoryStore } from '../../../lib/store/memory/index.ts'
import { redisStore } from '../../../lib/store/redis/index.ts'
import { DONE, ECHO, echoed, echoInput, listedTool, STEPS, spacedInput, stepsInput, waitInput } from '../tools.ts'
import { LISTED_TOOLS, REDIS_URL, start } from './serve.ts'

const server = new McpServer({ name: 'bench', version: '1.0.0' })

for (let n = 0; n < LISTED_TOOLS; n++) {
  const { name, ...config } = listedTool(n)
  server.registerTool(name, config, () => DONE)
}
if (LISTED_TOOLS === 0) {
  server.registerTool(ECHO, { description: 'Says it again.', inputSchema: echoInput }, (args) => echoed(args))
  server.registerTool(STEPS, { description: 'Sends progress.', inputSchema: stepsInput }, async ({ steps }, ctx) => {
    for (let step = 1; step <= steps; step++) await ctx.progress(step)
    return DONE
  })
  server.registerTool('spaced', { inputSchema: spacedInput }, async ({ steps, pause }, ctx) => {
    for (let step = 1; step <= steps; step++) {
      await sleep(pause)
      await ctx.progress(step)
    }
    return DONE
  })
  server.registerTool('wait', { inputSchema: waitInput }, async ({ ms }, ctx) => {
    await sleep(ms, undefined, { signal: ctx.signal }).catch(() => {})
    return DONE
  })
  server.registerTool('ask', { description: 'Asks the user.' }, async (ctx) => {
    const answer = await ctx.elicit('Go on?', z.object({ yes: z.boolean() }))
    return { content: [{ type: 'text', text: answer.action }] }
  })
  server.registerTool('touch', { description: 'Changes the resource.' }, async (ctx) => {
    await ctx.announce.resourceUpdated('bench://record')
    return DONE
  })
  server.registerTool('change', { description: 'Changes the list of tools.' }, async (ctx) => {
    await ctx.announce.toolsChanged()
    return DONE
  })
  server.registerResource('record', 'bench://record', {}, (uri) => ({ contents: [{ uri: uri.href, text: 'record' }] }))
}

/** Authorization and limits; by default neither. */
const options = JSON.parse(process.env.BENCH_OPTIONS ?? '{}') as Pick<EndpointOptions, 'auth' | 'http' | 'session'>

const { BENCH_TELEMETRY } = process.env
if (BENCH_TELEMETRY) await (await import('./telemetry.ts')).record(BENCH_TELEMETRY.split(','))

let errors = 0
const endpoint = createEndpoint(server, {
  store: REDIS_URL === undefined ? memoryStore() : redisStore(REDIS_URL),
  allowedHosts: 'local',
  ...(process.env.BENCH_SEALED === '1' && { keys: [Buffer.alloc(32, 'a key for tests')] }),
  session: { maxStreams: 20_000 },
  onError: (error) => {
    errors++
    console.error(error)
  },
  ...options,
})

start(endpoint.fetch as never, () => errors)
