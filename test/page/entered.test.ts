/** What the page reads out of its fields, and out of what a server sends. */
import { describe, expect, test } from 'vitest'
import { empty, readCount, readJson, readNumber, readText } from '../../lib/page/app/forms/check.ts'
import type { NumberField, TextField } from '../../lib/page/app/forms/field.ts'
import { fieldOf } from '../../lib/page/app/forms/schema.ts'
import { expanded, variablesOf } from '../../lib/page/app/forms/uri-template.ts'
import { endpointOf } from '../../lib/page/app/location.ts'
import { summaryOf } from '../../lib/page/app/messages.ts'
import { sseReader } from '../../lib/page/app/sse.ts'

const text = (schema: object) => fieldOf({ type: 'string', ...schema }) as TextField
const number = (schema: object) => fieldOf({ type: 'number', ...schema }) as NumberField

describe('a text', () => {
  test('that is empty is left out, or is null, or is missing', () => {
    expect(readText(text({}), '', false)).toEqual({ value: undefined })
    expect(readText(text({ type: ['string', 'null'] }), '', true)).toEqual({ value: null })
    expect(readText(text({}), '', true)).toEqual({ problem: 'A value is required.' })
    expect(readText(text({ minLength: 0 }), '', true)).toEqual({ value: '' })
  })

  test.each([
    [{ minLength: 3 }, 'ab', /at least 3/],
    [{ maxLength: 3 }, 'abcd', /at most 3 characters; it has 4/],
    [{ pattern: '^a+$' }, 'ab', /must match \^a\+\$/],
    [{ format: 'email' }, 'a', /an email address/],
    [{ format: 'uri' }, 'example.com', /a URI/],
    [{ format: 'date' }, '1.1.2026', /a date/],
    [{ format: 'date-time' }, '2026-01-01', /a time/],
  ])('%j refuses %s', (schema, given, problem) => {
    expect(readText(text(schema), given, true)).toEqual({ problem: expect.stringMatching(problem) })
  })

  test('counts characters and not halves of them', () => {
    expect(readText(text({ maxLength: 2 }), '😀😀', true)).toEqual({ value: '😀😀' })
  })

  test('with a pattern that this browser cannot read is left to the server', () => {
    expect(readText(text({ pattern: '(?<' }), 'a', true)).toEqual({ value: 'a' })
  })
})

describe('a number', () => {
  test.each([
    [{}, 'abc', /no number/],
    [{ type: 'integer' }, '1.5', /whole/],
    [{ minimum: 2 }, '1', /at least 2/],
    [{ maximum: 2 }, '3', /at most 2/],
    [{ exclusiveMinimum: 2 }, '2', /more than 2/],
    [{ exclusiveMaximum: 2 }, '2', /less than 2/],
    [{ multipleOf: 0.1 }, '0.25', /multiple of 0.1/],
  ])('%j refuses %s', (schema, given, problem) => {
    expect(readNumber(number(schema), given, true)).toEqual({ problem: expect.stringMatching(problem) })
  })

  test('is read with spaces, signs and exponents', () => {
    expect(readNumber(number({ multipleOf: 0.1 }), ' 0.3 ', true)).toEqual({ value: 0.3 })
    expect(readNumber(number({}), '-1e3', true)).toEqual({ value: -1_000 })
    expect(readNumber(number({}), ' ', false)).toEqual({ value: undefined })
  })
})

test('JSON is parsed, and its error is shown', () => {
  expect(readJson('{"a":[1]}', true)).toEqual({ value: { a: [1] } })
  expect(readJson(' ', false)).toEqual({ value: undefined })
  expect(readJson('{', true)).toEqual({ problem: expect.stringMatching(/^This is no JSON: /) })
  expect(empty(true, false)).toEqual({ problem: 'A value is required.' })
})

test('items are counted', () => {
  expect(readCount({ minItems: 1, maxItems: 2 }, 0)).toBe('At least 1 item must be there.')
  expect(readCount({ minItems: 1, maxItems: 2 }, 3)).toBe('At most 2 items may be there.')
  expect(readCount({ minItems: 1, maxItems: 2 }, 2)).toBeUndefined()
})

test.each([
  ['notes://{id}', { id: 'a b/c' }, 'notes://a%20b%2Fc'],
  ['file:///{+path}', { path: 'a/b c' }, 'file:///a/b%20c'],
  ['x:{/a,b}{?c,d}{&e}', { a: '1', b: '2', c: '3', e: '5' }, 'x:/1/2?c=3&e=5'],
  ['x:{?c}', {}, 'x:'],
  ['x:{#a}{.b}{;c}', { a: '1', b: '2', c: '3' }, 'x:#1.2;c=3'],
  ['x:{a*}{b:3}', { a: '1', b: '2' }, 'x:12'],
])('the URI template %s is expanded', (template, values, uri) => {
  expect(expanded(template, values)).toBe(uri)
  for (const name of Object.keys(values)) expect(variablesOf(template)).toContain(name)
})

test.each([
  ['https://example.com/', '/mcp', 'https://example.com/mcp'],
  ['https://example.com/mcp', '/mcp', 'https://example.com/mcp'],
  ['https://example.com/mcp/', '/mcp', 'https://example.com/mcp'],
  ['https://example.com/tools', '/mcp', 'https://example.com/tools/mcp'],
  ['https://example.com/tools/mcp?x=1#/', '/mcp', 'https://example.com/tools/mcp'],
  ['https://example.com/', '/', 'https://example.com/'],
  ['https://example.com/tools/', '/', 'https://example.com/tools/'],
])('a page at %s finds the endpoint of %s', (page, path, endpoint) => {
  expect(endpointOf(new URL(page), path).href).toBe(endpoint)
})

test('server-sent events are read in pieces of any size', () => {
  const stream = 'id: 1\r\ndata: {"a":\r\ndata: 1}\r\n\r\n: comment\n\nretry: 5\n\nid: 2\ndata: {}\n\n'
  const whole = sseReader()(stream)
  const read = sseReader()
  const pieces = [...stream].flatMap((piece) => read(piece))
  expect(whole).toEqual([
    { id: '1', data: '{"a":\n1}' },
    { id: undefined, data: undefined },
    { id: undefined, data: undefined },
    { id: '2', data: '{}' },
  ])
  expect(pieces).toEqual(whole)
})

test('a message has a few words', () => {
  expect(summaryOf({ id: 1, method: 'tools/call', params: { name: 'echo' } })).toBe('tools/call  echo')
  expect(summaryOf({ method: 'notifications/progress', params: { progress: 1, total: 3, message: 'one' } })).toBe(
    'progress 1/3  one',
  )
  expect(summaryOf({ id: 1, error: { code: -32602, message: 'No' } })).toBe('error -32602  No')
  expect(summaryOf({ id: 1, result: { resultType: 'input_required', inputRequests: { a: {} } } })).toBe(
    'result  input_required',
  )
  expect(summaryOf({ id: 1, result: { isError: true } })).toBe('result  isError')
  expect(summaryOf({ id: 1, result: {} })).toBe('result')
})
