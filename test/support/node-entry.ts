/** The Node entry for another server, without a bundle: `node test/support/node-entry.ts file`. */
import { pathToFileURL } from 'node:url'
import { listen } from '../../lib/platform/node/listen.ts'

const { server } = await import(pathToFileURL(process.argv[2] ?? '').href)
await listen(server)
