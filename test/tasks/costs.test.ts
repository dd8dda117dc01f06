/** Commands of Redis for each step of a task; and that a call of a tool with tasks costs nothing more where its client has none. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { measureTasks, type TaskCosts } from '../bench/operations/tasks.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'

let redis: RedisServer
let costs: TaskCosts
beforeAll(async () => {
  redis = await startRedis()
  costs = await measureTasks(redis.port)
}, 60_000)
afterAll(() => redis.stop())

test('a call of a tool that has tasks sends what it would without them', () => {
  expect(costs.plain).toMatchObject({ commands: {}, sent: 0 })
  expect(costs.sessionPlain).toMatchObject({ commands: { hmget: 1 } })
})

test.each([
  // How many tasks its caller has, the record, and the end of the leg.
  ['create', 3],
  ['poll', 1],
  // The answer begins the leg.
  ['update', 2],
  ['result', 1],
  ['leg', 3],
  ['once', 1],
  ['single', 2],
  ['cancel', 1],
  // The session is read by each request.
  ['sessionCreate', 4],
  ['sessionPoll', 2],
  ['sessionResult', 2],
] as const)('the step "%s" takes %i commands', (name, commands) => {
  expect(costs[name].count, JSON.stringify(costs[name].commands)).toBe(commands)
})
