/** A Redis for a test file, a proxy before it for each test, and stores that give up only where something hangs. */
import { afterEach, beforeEach } from 'vitest'
import { type RedisStoreOptions, redisStore } from '../../lib/store/redis/index.ts'
import type { Receiver, Store } from '../../lib/store/store.ts'
import { type FileRedis, redisOfFile } from '../support/file-redis.ts'
import { Inbox } from './contract/support.ts'
import { TcpProxy } from './tcp-proxy.ts'

export interface RedisFixture extends FileRedis {
  proxy: TcpProxy
  /** Opens a store that is closed after the test. */
  open(options?: RedisStoreOptions): Store
}

export function redisFixture(): RedisFixture {
  const opened: Store[] = []
  const fixture = Object.assign(redisOfFile(), {
    open(options: RedisStoreOptions = {}) {
      const store = redisStore({ url: fixture.server.url, commandTimeout: 10_000, blockTime: 200, ...options })
      opened.push(store)
      return store
    },
  }) as RedisFixture
  beforeEach(async () => {
    await fixture.admin.replicaof('NO', 'ONE')
    await fixture.admin.flushall()
    fixture.proxy = await TcpProxy.start(fixture.server.port)
  })
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((store) => store.close()))
    await fixture.proxy.close()
  })
  return fixture
}

/** Mail as text, changes as their kind, and `resumed`. */
export function inboxOf(): { inbox: Inbox<string>; receiver: Receiver } {
  const inbox = new Inbox<string>()
  const receiver: Receiver = {
    mail: inbox.add,
    change: ({ change }) => inbox.add(change.kind),
    resumed: () => inbox.add('resumed'),
  }
  return { inbox, receiver }
}

/** Whether Redis answers the store. */
export function answers(store: Store): Promise<boolean> {
  return store.ping().then(
    () => true,
    () => false,
  )
}
