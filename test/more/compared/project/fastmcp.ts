/** FastMCP for TypeScript, with sessions, or without them where `STATELESS` is 1. */
import { setTimeout as sleep } from 'node:timers/promises'
import { FastMCP } from 'fastmcp'

const server = new FastMCP({ name: 'compared', version: '1.0.0' })
server.addTool({ name: 'plain', description: '', execute: async () => 'done' })
server.addTool({
  name: 'ask',
  description: '',
  execute: async (_args, { elicit }) => {
    const { content } = await elicit({
      message: 'How many?',
      requestedSchema: { type: 'object', properties: { count: { type: 'integer' } }, required: ['count'] },
    })
    return String(content?.count)
  },
})
server.addTool({
  name: 'slow',
  description: '',
  annotations: { readOnlyHint: true },
  execute: async (_args, { reportProgress }) => {
    for (let progress = 1; progress <= 10; progress++) {
      await sleep(200)
      await reportProgress({ progress, message: String(process.pid) })
    }
    return String(process.pid)
  },
})

const { PORT = '3000', STATELESS } = process.env
const stateless = STATELESS === '1'
await server.start({ transportType: 'httpStream', httpStream: { port: Number(PORT), host: '127.0.0.1', stateless } })
console.log(`http://127.0.0.1:${PORT}/mcp`)
