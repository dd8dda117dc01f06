/** One trace of a call that asks, is answered at a second instance, loses its first instance and ends on a third one. */
import { context, type Span, SpanKind, trace } from '@opentelemetry/api'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { type Fleet, startFleet } from '../support/fleet.ts'
import { EventReader, initialize, post, postStream, type RawSession, toolCall } from '../support/raw.ts'
import { type Sdk, startSdk } from './sdk.ts'
import { type ExportedSpan, exported, rootsOf } from './tree.ts'

let fleet: Fleet
let sdk: Sdk
/** What the instances have exported. */
let spans: ExportedSpan[]

const collect = (at: number) =>
  fleet.instances[at]?.child.on('message', (message) => {
    if (typeof message === 'object' && 'span' in message) spans.push(message.span as unknown as ExportedSpan)
  })

beforeAll(async () => {
  const module = '../telemetry/traced-server.ts'
  fleet = await startFleet({ session: { lease: 2_000, heartbeat: 1_000 } }, { module })
  for (const at of [0, 1, 2]) collect(at)
})
afterAll(() => fleet.stop())
beforeEach(() => {
  spans = []
  sdk = startSdk()
})
afterEach(() => sdk.stop())

const traceparent = (span: Span) => {
  const { traceId, spanId } = span.spanContext()
  return `00-${traceId}-${spanId}-01`
}
const client = trace.getTracer('client')

async function resumed(at: number, session: RawSession, lastId: string, headers: Record<string, string>) {
  const response = await fetch(fleet.at(at), {
    headers: {
      accept: 'text/event-stream',
      'mcp-session-id': session.id,
      'mcp-protocol-version': session.version,
      'last-event-id': lastId,
      ...headers,
    },
  })
  return new EventReader(response)
}

interface Began {
  session: RawSession
  stream: EventReader
  /** The span of the ask, as the client has got it. */
  ask: string
}

const of = (trace: string | undefined, name: string) => spans.find((span) => span.trace === trace && span.name === name)

/** A call whose ask was answered at the second instance, and whose first run goes on. */
async function begin(headers: Record<string, string>, meta: object): Promise<Began> {
  const session = await initialize(fleet.at(1))
  const called = toolCall(1, 'two_runs', {}, { progressToken: 'p', ...meta })
  const stream = await postStream(fleet.at(0), called, { session, headers })
  const { message } = await stream.until(({ method }) => method === 'elicitation/create')
  const [, traceId = '', spanId = ''] = (message?.params._meta.traceparent ?? '').split('-')
  const remote = trace.setSpanContext(context.active(), { traceId, spanId, traceFlags: 1, isRemote: true })
  const handled = client.startSpan('the form', { kind: SpanKind.SERVER }, remote)
  const result = { action: 'accept', content: { sure: true } }
  const answer = await post(fleet.at(1), { jsonrpc: '2.0', id: message?.id, result }, { session })
  expect(answer.status).toBe(202)
  handled.end()
  // The first run has its answer.
  await stream.until(({ method }) => method === 'notifications/progress')
  await eventually(async () => of(traceId, 'elicitation/create'))
  return { session, stream, ask: spanId }
}

/** The client comes back to the third instance, which takes the call over. */
async function end({ session, stream }: Began, headers: Record<string, string>): Promise<void> {
  await stream.rest()
  const rest = await (await resumed(2, session, stream.lastId ?? '', headers)).rest()
  expect(rest.at(-1)?.result.content[0].text).toBe('run 2')
}

test('is one tree, whichever way the client names its span, or does not', async () => {
  const root = () => client.startSpan('call of the client', { kind: SpanKind.CLIENT })
  const [inMeta, inHeaders] = [root(), root()]
  const calls = [
    await begin({}, { traceparent: traceparent(inMeta) }),
    await begin({ traceparent: traceparent(inHeaders) }, {}),
    await begin({}, {}),
  ] as const
  await fleet.instances[0]?.kill()
  const resuming = client.startSpan('resuming', { kind: SpanKind.CLIENT }, trace.setSpan(context.active(), inMeta))
  await Promise.all([end(calls[0], { traceparent: traceparent(resuming) }), end(calls[1], {}), end(calls[2], {})])
  for (const span of [resuming, inMeta, inHeaders]) span.end()
  const traceOf = ({ ask }: Began) => spans.find(({ id }) => id === ask)?.trace
  for (const call of calls) await eventually(async () => of(traceOf(call), 'tools/call two_runs'))
  const exportedByAll = [...sdk.spans().map(exported), ...spans]
  const roots = calls.map((call) => {
    const id = traceOf(call)
    // The span of the first run was lost with its process: what it has exported before names it.
    const lost = of(id, 'elicitation/create')?.parent ?? ''
    expect(exportedByAll.map((span) => span.id)).not.toContain(lost)
    const second = of(id, 'tools/call two_runs')
    expect(second?.attributes).toMatchObject({ 'mcp_anywhere.run': 'takeover', 'gen_ai.tool.name': 'two_runs' })
    expect(of(id, 'work')?.parent).toBe(second?.id)
    const tree = exportedByAll.filter((span) => span.trace === id)
    return { lost, second, roots: rootsOf(tree, [lost]) }
  })
  const [first, second, third] = roots
  expect([first?.roots, second?.roots]).toEqual([['call of the client'], ['call of the client']])
  expect(first?.second).toMatchObject({
    kind: SpanKind.SERVER,
    trace: inMeta.spanContext().traceId,
    parent: inMeta.spanContext().spanId,
    links: [first?.lost, resuming.spanContext().spanId],
  })
  expect(second?.second).toMatchObject({ parent: inHeaders.spanContext().spanId, links: [second?.lost] })
  // Without a span of the client the first run is the root, and the second one its child.
  expect([third?.roots, third?.second?.parent]).toEqual([[], third?.lost])
})
