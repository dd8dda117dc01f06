/** What mail and changes cost one real Redis while many instances wait there, each in a blocking read. */
import { Redis } from 'ioredis'
import { redisStore } from '../../../lib/store/redis/index.ts'
import type { BusStore } from '../../../lib/store/store.ts'
import type { RedisServer } from '../../support/redis.ts'
import { end, pin, reply, startProcess } from '../processes.ts'
import { Meter } from './meter.ts'
import { type Counts, type ReceiversOrder, receiverName } from './receivers.ts'

const PROCESSES = 2
/** From one change to the next, in ms, so that each is read by itself. */
const APART = 120
/** From one command of a bystander to the next, in ms. */
const LOOK_EVERY = 5

export interface BusCost {
  receivers: number
  /** us of Redis for each second in which nothing happens. */
  idle: number
  /** us of Redis for one change by itself. */
  change: number
  /** us of Redis for one message to one of the instances. */
  mail: number
  /** `rate` changes a second. */
  fast: {
    rate: number
    /** The share of a core that Redis took. */
    busy: number
    /** us of Redis for each of the changes. */
    change: number
    /** Reads of each receiver in a second: changes that come fast are read together. */
    reads: number
    /** The longest that another client waited for a GET meanwhile, in ms. */
    slowest: number
  }
}

export interface BusEffort {
  receivers: number
  /** How long each figure is measured, in ms. */
  ms: number
  /** Changes a second where they come fast. */
  rate: number
}

export async function measureBus(redis: RedisServer, { receivers, ms, rate }: BusEffort): Promise<BusCost> {
  const meter = new Meter(redis, [])
  const store = redisStore(redis.url)
  const children = Array.from({ length: PROCESSES }, () =>
    startProcess('operations/receivers.ts', { BENCH_RECEIVERS: '1' }, ['--disable-warning=ExperimentalWarning']),
  )
  const admin = new Redis(redis.url)
  const reads = async () => Number(/^cmdstat_xread:calls=(\d+)/m.exec(await admin.info('commandstats'))?.[1] ?? 0)
  const counts = async () => {
    const all = await Promise.all(
      children.map((child) => {
        child.send('counts')
        return reply<Counts>(child)
      }),
    )
    return all.reduce((sum, { mail, changes }) => ({ mail: sum.mail + mail, changes: sum.changes + changes }))
  }
  /** Waits until every receiver has everything. */
  const arrived = async (name: keyof Counts, wanted: number) => {
    while ((await counts())[name] < wanted) await sleep(20)
  }
  try {
    // What Redis takes by itself.
    await meter.rest(ms)
    const share = Math.ceil(receivers / PROCESSES)
    await Promise.all(
      children.map(async (child, i) => {
        pin(child.pid, 'server')
        const from = i * share
        child.send({ url: redis.url, from, count: Math.min(share, receivers - from) } satisfies ReceiversOrder)
        await reply(child)
      }),
    )
    const idle = await meter.perOperation(ms / 1_000, () => sleep(ms))
    let published = 0
    const publish = async (bus: BusStore) => {
      await bus.publish({ kind: 'updated', uri: `bench://record/${published++}` })
    }
    const slow = Math.max(2, Math.round(ms / APART))
    const change = await meter.perOperation(slow, async () => {
      for (let n = 0; n < slow; n++) {
        await publish(store)
        await sleep(APART)
      }
      await arrived('changes', published * receivers)
    })
    const messages = Math.round(ms / 2)
    const mail = await meter.perOperation(messages, async () => {
      for (let n = 0; n < messages; n++) await store.send(receiverName(n % receivers), 'x'.repeat(200))
      await arrived('mail', messages)
    })
    const bystander = new Redis(redis.url)
    let slowest = 0
    const readBefore = await reads()
    let begun = 0
    let took = 0
    const total = Math.max(2, Math.round((rate * ms) / 1_000))
    const fast = await meter.perOperation(total, async () => {
      begun = performance.now()
      let over = false
      const looking = (async () => {
        while (!over) {
          const at = performance.now()
          await bystander.get('bench:nothing')
          slowest = Math.max(slowest, performance.now() - at)
          await sleep(LOOK_EVERY)
        }
      })()
      const under: Promise<void>[] = []
      for (let n = 0; n < total; n++) {
        const wait = begun + (n * 1_000) / rate - performance.now()
        if (wait > 1) await sleep(wait)
        under.push(publish(store))
      }
      await Promise.all(under)
      await arrived('changes', published * receivers)
      took = performance.now() - begun
      over = true
      await looking
    })
    bystander.disconnect()
    const readers = ((await reads()) - readBefore) / receivers / (took / 1_000)
    const busy = (fast.redis * total) / (took * 1_000)
    return {
      receivers,
      idle: idle.redis,
      change: change.redis,
      mail: mail.redis,
      fast: { rate, busy, change: fast.redis, reads: readers, slowest },
    }
  } finally {
    await Promise.all(children.map(end))
    await store.close()
    admin.disconnect()
    meter.close()
  }
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
