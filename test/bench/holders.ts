/** A process that holds the GET streams of many clients, each in a session of its own. */
import { Connection } from './connection.ts'
import { forEach, type OpenStream, openStream } from './streams.ts'
import { openSession } from './workloads.ts'

const CHANGED = 'notifications/tools/list_changed'

/** When the last of the streams had the change, in ms since 1970. */
export interface Received {
  at: number
}

export interface Order {
  ports: number[]
  streams: number
}

async function open({ ports, streams }: Order): Promise<OpenStream[]> {
  const port = (n: number) => ports[n % ports.length] ?? 0
  // One connection for each instance opens the sessions.
  const connections = await Promise.all(ports.map((port) => Connection.open(port)))
  const queues = connections.map(() => Promise.resolve())
  const session = (n: number) => {
    const at = n % connections.length
    const opened = (queues[at] as Promise<void>).then(() => openSession(connections[at] as Connection, '2025-11-25'))
    queues[at] = opened.then(() => {})
    return opened
  }
  const opened = await forEach(streams, 32, async (n) => openStream(port(n), await session(n)))
  for (const connection of connections) connection.close()
  return opened
}

process.once('message', (order: Order) => {
  open(order).then(
    async (streams) => {
      process.send?.({ open: streams.length })
      await Promise.all(streams.map((stream) => stream.until(CHANGED)))
      process.send?.({ at: performance.timeOrigin + performance.now() } satisfies Received)
    },
    (error) => {
      console.error(error)
      process.exit(1)
    },
  )
})
process.on('disconnect', () => process.exit(0))
