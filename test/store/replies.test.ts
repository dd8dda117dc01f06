/** Errors of the Redis client: which of them are replies of Redis, also in a bundle whose classes have other names. */
import { ReplyError } from 'ioredis'
import { expect, test } from 'vitest'
import { isInterruption, isReply, unavailable } from '../../lib/store/redis/trouble.ts'

/** As a minifier leaves it: the client's errors take their names from their classes. */
function minified(message: string): Error {
  return Object.defineProperty(new ReplyError(message) as Error, 'name', { value: 'e' })
}

/** As a bundle has it that has a second copy of the client for clusters. */
function ofOtherCopy(message: string): Error {
  return Object.defineProperty(new Error(message), 'name', { value: 'ReplyError' })
}

test.each([
  ['of this copy', new ReplyError('ERR value is not an integer') as Error],
  ['with a short name', minified('ERR value is not an integer')],
  ['of another copy', ofOtherCopy('ERR value is not an integer')],
])('a reply %s is reported as a refusal of Redis', (_, error) => {
  expect(isReply(error)).toBe(true)
  expect(unavailable(error, new Error('connect ECONNREFUSED')).message).toMatch(/^Redis refuses: ERR value/)
})

test('another error is no reply', () => {
  expect(isReply(new Error('connect ECONNREFUSED'))).toBe(false)
  expect(unavailable(new Error('connect ECONNREFUSED')).message).toMatch(/^Redis does not answer: connect/)
})

test('a command whose connection closed may be sent again, whatever the name of its error', () => {
  for (const message of ['Command aborted due to connection close', 'Cluster is ended.', 'Connection is closed.']) {
    expect(isInterruption(new Error(message))).toBe(true)
  }
  expect(isInterruption(new Error('Command timed out'))).toBe(false)
})
