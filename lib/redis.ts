/** `mcp-anywhere/redis`: the store in Redis. */

export { type RedisStoreOptions, redisStore } from './store/redis/index.ts'
export type { ReadyClient } from './store/redis/ready-client.ts'
export type { RedisTls } from './store/redis/secure.ts'
