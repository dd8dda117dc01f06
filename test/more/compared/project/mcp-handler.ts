/** mcp-handler of Vercel. */
import { serve } from '@hono/node-server'
import { createMcpHandler } from 'mcp-handler'
import { addTools } from './tools.ts'

const fetch = createMcpHandler((server) => addTools(server), { serverInfo: { name: 'compared', version: '1.0.0' } })

const { PORT = '3000' } = process.env
serve({ fetch, port: Number(PORT), hostname: '127.0.0.1' }, () => console.log(`http://127.0.0.1:${PORT}/mcp`))
