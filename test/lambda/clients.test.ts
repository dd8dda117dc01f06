/** The official clients against the built bundle in three environments of Lambda's own runtime. */
import { afterAll, beforeAll, expect } from 'vitest'
import { officialClientTests } from '../deploy/official.ts'
import { type LambdaTests, lambdaTests } from './bundled.ts'
import type { Lambda } from './emulator.ts'

let tests: LambdaTests
let lambda: Lambda

beforeAll(async () => {
  tests = await lambdaTests()
  // A client that disconnects may have sent one more request, so more than three environments are allowed.
  lambda = await tests.start({ limit: 6 })
})
afterAll(async () => {
  expect(lambda.lost()).toEqual([])
  await tests.stop()
})

officialClientTests(() => lambda)
