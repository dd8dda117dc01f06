/** A process that waits for mail and changes as many instances would: each receiver has a connection of its own. */
import { redisStore } from '../../../lib/store/redis/index.ts'

export interface ReceiversOrder {
  url: string
  from: number
  count: number
}

/** The name of a receiver, as an instance has one. */
export const receiverName = (n: number) => `receiver-${n}`

export interface Counts {
  mail: number
  changes: number
}

async function wait({ url, from, count }: ReceiversOrder, counts: Counts): Promise<void> {
  const store = redisStore(url)
  const receiver = {
    mail: () => void counts.mail++,
    change: () => void counts.changes++,
    resumed: () => {},
  }
  for (let n = from; n < from + count; n++) await store.receive(receiverName(n), receiver)
}

if (process.env.BENCH_RECEIVERS === '1') {
  const counts: Counts = { mail: 0, changes: 0 }
  process.once('message', (order: ReceiversOrder) => {
    wait(order, counts).then(
      () => {
        process.send?.('waiting')
        process.on('message', () => process.send?.({ ...counts }))
      },
      (error) => {
        console.error(error)
        process.exit(1)
      },
    )
  })
  process.on('disconnect', () => process.exit(0))
}
