import { serve } from '@hono/node-server'
import { createEndpoint } from 'mcp-anywhere'
import { redisStore } from 'mcp-anywhere/redis'
import { server } from './greeter.js'

// A CommonJS package of the app must not take the bundle for a CommonJS module.
if (globalThis.require !== undefined) throw new Error('There is a global require.')
const endpoint = createEndpoint(server, { store: redisStore(process.env.REDIS_URL) })
serve({ fetch: endpoint.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) => console.log(`http://127.0.0.1:${port}`))
