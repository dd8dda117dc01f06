/** Node: Cloud Run, containers. On a laptop `npm start` serves the same, bundled in the same way. */
import { listen } from '../lib/platform/node/listen.ts'
import { server } from './server.ts'

await listen(server)
