/** `mcp-anywhere/redis`: the store in Redis. */

export { type RedisStoreOptions, redisStore } from './store/redis/index.ts'
