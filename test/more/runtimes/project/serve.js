/** Serves the greeter with the settings of the environment. */
import { listen } from 'mcp-anywhere/node'
import { server } from './greeter.js'

await listen(server)
