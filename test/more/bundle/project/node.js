import { listen } from 'mcp-anywhere/node'
import { server } from './greeter.js'

await listen(server)
