/** A call on an instance that the store takes for dead when a test says so. */
import { McpServer } from '../../lib/server/mcp-server.ts'
import type { Step } from '../support/intercepted-store.ts'

/** A server whose tool `look` sends the number of its run as progress. The first run, on the instance that dies, never ends. */
export function serverOfTwoRuns(name: string): McpServer {
  let runs = 0
  const server = new McpServer({ name, version: '1' })
  server.registerTool('look', { annotations: { readOnlyHint: true } }, async (ctx) => {
    const run = ++runs
    await ctx.progress(run)
    if (run === 1) await new Promise(() => {})
    return { content: [{ type: 'text', text: `run ${run}` }] }
  })
  return server
}

/** `alive` stands in front of the store's operation; `kill` names the instance that is dead from then on. */
export function mortality(): { alive: Step; kill: (instanceId: string) => void } {
  let dead = ''
  return {
    alive: async (proceed, ids) => {
      const up = (await proceed()) as boolean[]
      return up.map((one, i) => one && (ids as string[])[i] !== dead)
    },
    kill: (instanceId) => {
      dead = instanceId
    },
  }
}
