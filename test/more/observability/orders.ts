/** A server for the faults of faults.ts, as an operator would have it. */
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { McpServer } from '../../../lib/server/mcp-server.ts'

const text = (content: string) => ({ content: [{ type: 'text' as const, text: content }] })

export const server = new McpServer({ name: 'orders', version: '2.4.1' })

server.registerTool('find_orders', { inputSchema: z.object({ customer: z.string() }) }, async ({ customer }) => {
  await sleep(5)
  return text(`3 orders of ${customer}`)
})
server.registerTool('order_status', { inputSchema: z.object({ order: z.string() }) }, ({ order }) =>
  text(`${order}: shipped`),
)
server.registerTool('stock_report', { inputSchema: z.object({ month: z.string() }) }, async ({ month }) => {
  await sleep(Number(process.env.REPORT_MS ?? 30))
  return text(`The report of ${month}.`)
})
