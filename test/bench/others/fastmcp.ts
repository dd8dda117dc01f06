/** FastMCP with sessions in memory, or without sessions. It listens by itself. */
import { FastMCP } from 'fastmcp'
import { freePort } from '../../support/ports.ts'
import { listens } from '../servers/serve.ts'
import { ECHO, echoed, echoInput } from '../tools.ts'

// It would write a line for each request.
const drop = () => {}
const logger = { debug: drop, error: console.error, info: drop, log: drop, warn: drop }
const server = new FastMCP({ name: 'bench', version: '1.0.0', logger })
server.addTool({
  name: ECHO,
  description: 'Says it again.',
  parameters: echoInput,
  execute: async (args) => echoed(args),
})

const port = await freePort()
const stateless = process.env.BENCH_STATELESS === '1'
await server.start({
  transportType: 'httpStream',
  httpStream: { port, host: '127.0.0.1', enableJsonResponse: true, stateless },
})
listens(port)
