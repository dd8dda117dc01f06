/** What the page says where the endpoint does not serve it. */
import { UnauthorizedError } from '@modelcontextprotocol/client'
import { expect, test } from 'vitest'
import { failureOf } from '../../lib/page/app/failure.ts'
import { ErrorCode } from '../../lib/protocol/errors.ts'
import { refusalText } from '../../lib/protocol/refusal-texts.ts'

const refused = (status: number, message: string, code: number = ErrorCode.InvalidRequest) => ({
  status,
  body: JSON.stringify({ jsonrpc: '2.0', id: null, error: { code, message } }),
  headers: new Headers(),
})

test('an origin that is refused has the setting and the line to copy', () => {
  const last = refused(403, refusalText('origin', 'http://localhost:5000'))
  expect(failureOf(undefined, last)).toEqual({
    kind: 'other',
    title: 'The endpoint refuses this page',
    text: expect.stringMatching(/^The Origin "http:\/\/localhost:5000" .*ALLOWED_ORIGINS=http:\/\/localhost:5000$/),
  })
})

test('a token that is refused asks for another one', () => {
  const last = refused(401, 'The token has expired.')
  expect(failureOf(new UnauthorizedError(), last)).toMatchObject({
    kind: 'token',
    text: expect.stringMatching(/^The token has expired\. Get/),
  })
})

test('a session that is lost asks for a new one', () => {
  const last = refused(404, refusalText('session'), ErrorCode.SessionNotFound)
  expect(failureOf(undefined, last)).toMatchObject({
    kind: 'session',
    title: 'The session is gone',
    text: expect.stringMatching(/^Session not found.* Connect again: /),
  })
})

test('a proxy that answers instead of the endpoint is said to be one', () => {
  const last = { status: 502, body: undefined, headers: new Headers() }
  expect(failureOf(undefined, last)).toMatchObject({
    title: 'The endpoint does not answer',
    text: expect.stringContaining('something in front of it answered'),
  })
})

test('no response at all has the words of the browser', () => {
  expect(failureOf(new TypeError('Failed to fetch'), undefined)).toEqual({
    kind: 'other',
    title: 'The endpoint does not answer',
    text: 'There was no response. Is the server running? (Failed to fetch)',
  })
})
