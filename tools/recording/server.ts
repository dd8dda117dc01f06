/** The server of the recording. Each message names the instance that sent it, whose name is in its environment. */
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { McpServer } from '../../lib/index.ts'

const { INSTANCE_NAME = '' } = process.env

export const server = new McpServer({ name: 'recording', version: '1.0.0' })

// The tool only reads, so that another instance may run the call again.
server.registerTool(
  'read_pages',
  {
    description: 'Reads pages, one after the other',
    inputSchema: z.object({ pages: z.int().min(1).max(100), milliseconds: z.int().max(10_000) }),
    annotations: { readOnlyHint: true },
  },
  async ({ pages, milliseconds }, ctx) => {
    for (let page = 1; page <= pages; page++) {
      await sleep(milliseconds, undefined, { signal: ctx.signal })
      await ctx.progress(page, pages, INSTANCE_NAME)
    }
    return { content: [{ type: 'text', text: `${pages} pages read by ${INSTANCE_NAME}` }] }
  },
)
