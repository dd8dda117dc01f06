/** A tool that runs as a task: it takes a while, in steps that are not done twice. */
import { setTimeout as sleep } from 'node:timers/promises'
import { McpServer } from 'mcp-anywhere'
import { z } from 'zod'

export const server = new McpServer({ name: 'reports', version: '1.0.0' })

server.registerTool(
  'write_report',
  {
    description: 'Writes a report, chapter by chapter',
    inputSchema: z.object({ chapters: z.int().min(1).max(100) }),
    task: 'optional',
    // Every effect is in `ctx.once`: a run that is lost goes on in another worker, after the last chapter that is done.
    durable: true,
  },
  async ({ chapters }, ctx) => {
    const written: string[] = []
    for (let i = 1; i <= chapters; i++) {
      written.push(await ctx.once(`chapter ${i}`, () => writeChapter(i)))
      await ctx.progress(i, chapters, `Chapter ${i} is written`)
    }
    return { content: [{ type: 'text', text: written.join('\n') }] }
  },
)

/** The work itself. */
async function writeChapter(i: number): Promise<string> {
  await sleep(100)
  return `Chapter ${i}, by process ${process.pid}`
}
