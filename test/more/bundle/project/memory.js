import { serve } from '@hono/node-server'
import { createEndpoint } from 'mcp-anywhere'
import { server } from './greeter.js'

const endpoint = createEndpoint(server)
serve({ fetch: endpoint.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) => console.log(`http://127.0.0.1:${port}`))
