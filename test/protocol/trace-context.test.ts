import { expect, test } from 'vitest'
import { readTrace, traceOf } from '../../lib/protocol/trace-context.ts'

const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

test.each([
  [TRACE, undefined, { traceparent: TRACE }],
  [TRACE, 'rojo=00f067aa0ba902b7,congo=t61', { traceparent: TRACE, tracestate: 'rojo=00f067aa0ba902b7,congo=t61' }],
  [TRACE.replace(/^00/, 'cc'), undefined, { traceparent: TRACE.replace(/^00/, 'cc') }],
  [`${TRACE.replace(/^00/, 'cc')}-more`, undefined, { traceparent: `${TRACE.replace(/^00/, 'cc')}-more` }],
  [TRACE, 'x'.repeat(513), { traceparent: TRACE }],
  [TRACE, 'a\n', { traceparent: TRACE }],
  [TRACE, '', { traceparent: TRACE }],
  [TRACE, 5, { traceparent: TRACE }],
])('%j with the state %j is read', (parent, state, expected) => {
  expect(readTrace(parent, state)).toEqual(expected)
})

test.each([
  `${TRACE}-more`,
  TRACE.replace(/^00/, 'ff'),
  TRACE.toUpperCase(),
  `00-${'0'.repeat(32)}-b7ad6b7169203331-01`,
  `00-0af7651916cd43dd8448eb211c80319c-${'0'.repeat(16)}-01`,
  `cc${TRACE.slice(2)}-${'x'.repeat(100)}`,
  ` ${TRACE}`,
  `${TRACE}\n`,
  'secret',
  '',
  7,
  undefined,
  null,
  [TRACE],
])('%j is no trace', (parent) => {
  expect(readTrace(parent, 'a=b')).toBeUndefined()
})

test('_meta may be anything', () => {
  for (const _meta of [undefined, null, 1, 'x', [], {}]) expect(traceOf({ _meta })).toBeUndefined()
  expect(traceOf(undefined)).toBeUndefined()
  expect(traceOf({ _meta: { traceparent: TRACE } })).toEqual({ traceparent: TRACE })
})
