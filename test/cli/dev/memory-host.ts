/** A process that keeps stores in memory for its parent: a new one for each message `{ open: options }`, of which `{ drop: id }` removes the value of a user. */
import { serveStore } from '../../../lib/cli/dev/store/serve-store.ts'
import { memoryStore } from '../../../lib/store/memory/index.ts'
import type { StoreOptions } from '../../../lib/store/store.ts'

let store = memoryStore()
let end = () => {}
process.on('message', ({ open, drop }: { open?: StoreOptions; drop?: string }) => {
  if (drop !== undefined) void store.deleteValue('user', drop)
  if (open === undefined) return
  end()
  store = memoryStore(open)
  end = serveStore(store, process)
})
