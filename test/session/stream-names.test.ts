/** The name of a call's stream carries what resuming needs, and an event id with it can always be read again. */
import { describe, expect, test } from 'vitest'
import {
  formatEventId,
  newStreamName,
  parseEventId,
  requestIdOf,
  scopesOfStream,
} from '../../lib/session/stream/event-id.ts'

const scopes = (n: number) => Array.from({ length: n }, (_, i) => `https://www.example.com/auth/some.long.scope.${i}`)

describe.each([undefined, 'a key of the session'])('with the event key %s', (eventKey) => {
  const session = { key: 'session', eventKey, servedByOlder: false }

  test.each([0, 1, 2, 5, 27, 50])('%d scopes are read from the name, whatever the request id is', (n) => {
    const known = new Set([...scopes(60), 'notes:read'])
    for (const id of [1, '', 'x'.repeat(126), 'ä'.repeat(64), 'x'.repeat(1_000)]) {
      const stream = newStreamName(session, id, scopes(n))
      expect(scopesOfStream(session, stream, known)).toEqual(scopes(n))
      const text = formatEventId('session', { stream, n: 123_456, tag: 'abcd' })
      expect(parseEventId(session, text, 1)).toEqual([{ stream, n: 123_456, tag: 'abcd' }])
      expect([id, undefined]).toContain(requestIdOf(stream))
      if (n < 10 && String(id).length < 100) expect(requestIdOf(stream)).toBe(id)
    }
  })

  test('a name without them cannot be made from it', () => {
    const stream = newStreamName(session, 1, ['notes:read'])
    const [begin = '', named] = stream.split('~')
    const stripped = `${begin.slice(0, -4)}~${named}`
    expect(stripped).not.toBe(stream)
    const text = formatEventId('session', { stream: stripped, n: 1, tag: 'abcd' })
    // Without an event key the name of another log is read, which the store does not have.
    expect(parseEventId(session, text, 1) === undefined).toBe(eventKey !== undefined)
  })
})

test('a name of a build before scopes were in it has none', () => {
  const known = new Set(['notes:read'])
  for (const stream of ['abcdefghijkl~MQ', 'abcdefghijkl12345678~MQ', 'get', '']) {
    expect(scopesOfStream({ eventKey: 'key' }, stream, known)).toEqual([])
  }
})
