/**
 * A durable tool: it asks for a confirmation, and charges once. `npm start -- examples/durable.ts`
 *
 * Any instance may run the handler again from its start, with the answer and the results of `ctx.once` so far: after a crash, after
 * a shutdown, and where the call was suspended while the user thought about it. So everything that has an effect, and everything that
 * differs from run to run, is in `ctx.once`. docs/durable.md has the rules.
 */
import { randomUUID } from 'node:crypto'
import { McpServer } from 'mcp-anywhere'
import { z } from 'zod'

/** A payment service, which does nothing for a name of work that it knows. */
const charged = new Map<string, { receipt: string; amount: number }>()

async function charge(order: string, amount: number): Promise<{ receipt: string; amount: number }> {
  const known = charged.get(order)
  if (known) return known
  const receipt = { receipt: `receipt-${charged.size + 1}`, amount }
  charged.set(order, receipt)
  return receipt
}

export const server = new McpServer({ name: 'durable', version: '1.0.0' })

const text = (text: string) => ({ content: [{ type: 'text' as const, text }] })

server.registerTool(
  'buy',
  {
    description: 'Buys something, once its price is confirmed',
    inputSchema: z.object({ item: z.string(), price: z.number().positive() }),
    durable: true,
  },
  async ({ item, price }, ctx) => {
    // Random: in each run it would be another one.
    const order = await ctx.once('order', () => randomUUID())
    await ctx.log('info', `Order ${order}: ${item}`)
    const { action, content } = await ctx.elicit(`Buy ${item} for ${price}?`, z.object({ sure: z.boolean() }), {
      key: 'confirm',
    })
    if (action !== 'accept' || !content.sure) return text(`${item} was not bought.`)
    await ctx.progress(1, 2, 'confirmed')
    // Where an instance dies in the middle of it, it happens again: the service knows the order.
    const { receipt } = await ctx.once('charge', () => charge(order, price))
    await ctx.progress(2, 2, 'charged')
    return text(`${item} is bought: ${receipt}`)
  },
)

// How many orders were charged, for tests.
server.registerTool('charges', { annotations: { readOnlyHint: true } }, () => text(String(charged.size)))
