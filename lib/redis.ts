/** `mcp-anywhere/redis`: the store in Redis. */

export type { ReadyClient, RedisTls } from './store/redis/given.ts'
export { type RedisStoreOptions, redisStore } from './store/redis/index.ts'
