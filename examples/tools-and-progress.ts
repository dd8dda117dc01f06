/**
 * Tools with structured results, progress, log messages and cancelling. `npm start -- examples/tools-and-progress.ts`
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { McpServer } from 'mcp-anywhere'
import { z } from 'zod'

export const server = new McpServer({ name: 'tools-and-progress', version: '1.0.0' })

// The arguments are checked against `inputSchema` before the handler runs, the result against `outputSchema` after it.
// `readOnlyHint` lets another instance run the call again when this one dies.
server.registerTool(
  'count_words',
  {
    description: 'Counts the words of a text',
    inputSchema: z.object({ text: z.string() }),
    outputSchema: z.object({ words: z.int(), characters: z.int() }),
    annotations: { readOnlyHint: true },
  },
  ({ text }) => ({
    structuredContent: { words: text.split(/\s+/).filter((word) => word !== '').length, characters: text.length },
  }),
)

// The response becomes a stream with the first message. A client without a progress token gets the result alone.
server.registerTool(
  'translate',
  {
    description: 'Translates texts, one after the other',
    inputSchema: z.object({ texts: z.array(z.string()).min(1).max(100) }),
    annotations: { readOnlyHint: true },
  },
  async ({ texts }, ctx) => {
    const translated: string[] = []
    for (const text of texts) {
      // Aborts when the client cancels the call or the session ends: the handler throws, and no result is sent.
      await sleep(20, undefined, { signal: ctx.signal })
      translated.push(text.toUpperCase())
      await ctx.progress(translated.length, texts.length, `translated "${text}"`)
    }
    await ctx.log('info', { translated: translated.length })
    return { content: translated.map((text) => ({ type: 'text', text })) }
  },
)

// An exception becomes a result with `isError`, so that the model reads the message and can try again.
server.registerTool(
  'divide',
  { description: 'Divides a by b', inputSchema: z.object({ a: z.number(), b: z.number() }) },
  ({ a, b }) => {
    if (b === 0) throw new Error('b must not be 0.')
    return { content: [{ type: 'text', text: String(a / b) }] }
  },
)
