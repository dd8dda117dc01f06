/**
 * Tools that ask during a call: the user to fill in a form or to open a page, and the client's model.
 * `npm start -- examples/asking-the-user.ts`
 *
 * A handler is written once for all clients. For a client with a session it waits for the answer. For a stateless
 * client the run ends with the question, and the retry runs the handler again from its beginning, with the answers so
 * far: an effect that must not happen twice goes into `ctx.once`, which keeps its result for the later runs of the same
 * call.
 */
import { randomUUID } from 'node:crypto'
import { AskError, McpServer, MissingCapability } from 'mcp-anywhere'
import { z } from 'zod'

export const server = new McpServer({ name: 'asking-the-user', version: '1.0.0' })

const text = (text: string) => ({ content: [{ type: 'text' as const, text }] })

// A form. The answer is checked and typed by the schema.
server.registerTool(
  'book_table',
  { description: 'Books a table at a restaurant', inputSchema: z.object({ restaurant: z.string() }) },
  async ({ restaurant }, ctx) => {
    const form = z.object({
      guests: z.int().min(1).max(12).describe('How many people come'),
      seat: z.enum(['inside', 'outside']).default('inside'),
    })
    const answer = await ctx.elicit(`A table at ${restaurant}?`, form)
    if (answer.action !== 'accept') return text('Nothing was booked.')
    const { guests, seat } = answer.content
    // `key` names the answer. Without one, answers are matched by their order in the call.
    const sure = await ctx.elicit(`Book for ${guests}, ${seat}?`, z.object({ sure: z.boolean() }), { key: 'sure' })
    if (!sure.content?.sure) return text('Nothing was booked.')
    const booking = await ctx.once('book', () => randomUUID())
    return text(`Booked for ${guests}, ${seat}: ${booking}`)
  },
)

// A page, for data that must not pass through the client, such as passwords. `accept` means that the user agreed to
// open it.
server.registerTool('pay', { description: 'Pays the open bill' }, async (ctx) => {
  // The first run makes the order. A run that continues with the answer gets the same order.
  const order = await ctx.once('order', () => randomUUID())
  const page = `https://pay.example.com/orders/${order}`
  const { action } = await ctx.elicitUrl('Please pay on this page.', page, { id: order })
  return text(action === 'accept' ? `Waiting for the payment of ${order}.` : 'The bill stays open.')
})

// The client's model. The tool has another result for a client that has no model or refuses.
server.registerTool(
  'name_a_dish',
  { description: 'Invents a name for a dish', inputSchema: z.object({ ingredients: z.array(z.string()) }) },
  async ({ ingredients }, ctx) => {
    try {
      const { content } = await ctx.sample({
        messages: [{ role: 'user', content: { type: 'text', text: `A name for a dish of ${ingredients.join(', ')}` } }],
        maxTokens: 50,
      })
      const [first] = [content].flat()
      return text(first?.type === 'text' ? first.text : 'A dish without a name')
    } catch (error) {
      if (error instanceof MissingCapability || error instanceof AskError) return text(ingredients.join(' and '))
      throw error
    }
  },
)
