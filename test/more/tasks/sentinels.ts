/** A primary and a replica that three Sentinels watch. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { type RedisServer, replicaHasAll, startRedis } from '../../support/redis.ts'

export interface Watched {
  /** As REDIS_URL. */
  url: string
  /** Kills the primary once its replica has everything. Resolves when the Sentinels name the replica. */
  failOver(): Promise<void>
  stop(): Promise<void>
}

export async function startWatched(): Promise<Watched> {
  const args = ['--repl-diskless-sync-delay', '0']
  const primary = await startRedis({ args })
  const replica = await startRedis({ args: [...args, '--replicaof', '127.0.0.1', String(primary.port)] })
  await replicaHasAll(primary.port)
  const lines = [
    `sentinel monitor main 127.0.0.1 ${primary.port} 2`,
    'sentinel down-after-milliseconds main 1000',
    'sentinel failover-timeout main 4000',
  ]
  const sentinels = await Promise.all([1, 2, 3].map(() => startRedis({ sentinel: lines })))
  while (!(await Promise.all(sentinels.map(seesAll))).every(Boolean)) await sleep(50)
  const servers: RedisServer[] = [primary, replica, ...sentinels]
  return {
    url: `redis+sentinel://${sentinels.map(({ port }) => `127.0.0.1:${port}`).join()}/main`,
    async failOver() {
      await replicaHasAll(primary.port)
      await primary.kill()
      while (!(await Promise.all(sentinels.map((one) => names(one, replica.port)))).every(Boolean)) await sleep(50)
    },
    async stop() {
      await Promise.all(servers.map((server) => server.stop()))
    },
  }
}

async function asked(port: number, ...command: [string, ...string[]]): Promise<unknown> {
  const sentinel = new Redis(port, { enableReadyCheck: false })
  const reply = await sentinel.call(...command)
  sentinel.disconnect()
  return reply
}

/** Whether a Sentinel knows the replica and the other Sentinels. */
async function seesAll({ port }: RedisServer): Promise<boolean> {
  return /status=ok,.*slaves=1,sentinels=3/.test(String(await asked(port, 'INFO', 'sentinel')))
}

async function names({ port }: RedisServer, primary: number): Promise<boolean> {
  const [, found] = (await asked(port, 'SENTINEL', 'GET-MASTER-ADDR-BY-NAME', 'main')) as string[]
  return Number(found) === primary
}
