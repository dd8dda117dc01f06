/** Node: Cloud Run, containers, a laptop. `node functions/node.ts [file that exports server]` */
import { existsSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { listen, stop } from '../lib/platform/node/listen.ts'

const file = process.argv[2]
if (file !== undefined && !existsSync(file)) stop(`There is no ${file}.`)
const { server } = await import(file ? pathToFileURL(file).href : './server.ts')
if (typeof server?.registerTool !== 'function')
  stop(`${file ?? 'functions/server.ts'} must export "server", an McpServer.`)
await listen(server)
