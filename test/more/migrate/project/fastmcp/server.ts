import { FastMCP } from 'fastmcp'
import { z } from 'zod'

const server = new FastMCP({ name: 'trips', version: '1.0.0' })

server.addTool({
  name: 'plan',
  description: 'Plans a trip',
  parameters: z.object({ city: z.string() }),
  annotations: { readOnlyHint: true },
  execute: async ({ city }, { reportProgress }) => {
    await reportProgress({ progress: 1, total: 2 })
    return `3 days in ${city}`
  },
})

server.addResource({
  uri: 'trips://last',
  name: 'last',
  mimeType: 'text/plain',
  load: async () => ({ text: 'Paris' }),
})

server.addPrompt({
  name: 'pack',
  description: 'What to pack',
  arguments: [{ name: 'city', required: true }],
  load: async ({ city }) => `What do I pack for ${city}?`,
})

const { PORT = '3000' } = process.env
await server.start({ transportType: 'httpStream', httpStream: { port: Number(PORT), host: '127.0.0.1' } })
console.log(`http://127.0.0.1:${PORT}/mcp`)
