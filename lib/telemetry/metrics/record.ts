/** Records the events of the endpoint as metrics. Where nobody calls {@link recordEvents}, nothing is recorded and nothing is paid. */
import {
  type AskEvent,
  type CallEvent,
  type CallStart,
  onEvent,
  type RequestEvent,
  type StoreEvent,
} from '../../base/events.ts'
import { Bounded } from '../bounded.ts'
import type { Labels } from '../labels.ts'
import { OTHER } from '../names.ts'
import { Operations, onOperations } from '../operations.ts'
import type { LabelValues, Sink } from './table.ts'

const HTTP_METHODS: ReadonlySet<string> = new Set(['GET', 'POST', 'DELETE', 'OPTIONS', 'HEAD'])
/** Commands have fixed names. The bound holds where a store of another author publishes its own. */
const MAX_COMMANDS = 100

/**
 * Listens to the events, and records them in `sink`.
 *
 * @returns a function that ends it
 */
export function recordEvents(sink: Sink): () => void {
  const operations = new Operations()
  const ends = [
    onOperations(
      {
        operation({ side, method, tool, seconds, errorType }, event) {
          const outcome = outcomeOf(event, errorType)
          if (side === 'client') sink.observe('asks', { method, outcome }, seconds)
          else sink.observe('operations', { method, tool, outcome }, seconds)
        },
        session: (_session, { outcome }) => sink.count('sessionsEnded', { outcome }),
      },
      operations,
    ),
    onEvent('session-start', ({ revision }) => sink.count('sessionsOpened', { revision })),
    onEvent('request', ({ httpMethod, status }) => {
      const method = HTTP_METHODS.has(httpMethod) ? httpMethod : OTHER
      sink.count('responses', { method, status: String(status) })
    }),
    onEvent('call', (call) => {
      const { fault, kind, outcome, task, run } = call
      if (fault === undefined && outcome !== 'suspended' && task === undefined) return
      const tool = kind === 'tool' ? operations.labels.name(call) : undefined
      if (fault !== undefined) sink.count('faults', { tool, fault })
      if (outcome === 'suspended') sink.count('suspensions', { tool })
      if (task !== undefined) sink.count('legs', { tool, run })
    }),
    onEvent('takeover', ({ outcome }) => sink.count('takeovers', { outcome })),
    onEvent('refusal', ({ kind }) => sink.count('refusals', { reason: kind })),
    onEvent('stream', ({ kind, outcome }) => sink.count('streamsEnded', { kind, outcome })),
    ...recordStore(sink),
    ...(sink.gauges ? recordGauges(sink.gauges, operations.labels) : []),
  ]
  return () => {
    for (const end of ends) end()
  }
}

/** The outcome of a call or an ask; of a request without a call how it was answered. */
function outcomeOf(event: CallEvent | RequestEvent | AskEvent, errorType: string | undefined): string {
  if ('outcome' in event) return event.outcome
  if (event.refusal) return 'refused'
  return errorType === undefined ? 'ok' : 'error'
}

function recordStore(sink: Sink): (() => void)[] {
  const commands = new Bounded(MAX_COMMANDS)
  return [
    onEvent('command', ({ command, durationMs, error }) => {
      const labels = { command: commands.label(command) }
      sink.observe('commands', labels, durationMs / 1_000)
      if (error) sink.count('commandErrors', labels)
    }),
    onEvent('store', ({ state, trouble }) => {
      if (state === 'lost') sink.count('outages', { trouble })
    }),
  ]
}

function recordGauges(gauges: NonNullable<Sink['gauges']>, names: Labels): (() => void)[] {
  // A call ends with the labels that it began with, although its name may be known meanwhile.
  const running = new WeakMap<CallStart, LabelValues>()
  const streams = new WeakSet<object>()
  let trouble: string | undefined
  gauges.set('storeUp', {}, 1)
  gauges.set('draining', {}, 0)
  const onStore = (event: StoreEvent) => {
    if (trouble !== undefined) gauges.set('storeTrouble', { trouble }, 0)
    trouble = event.state === 'lost' ? event.trouble : undefined
    if (trouble !== undefined) gauges.set('storeTrouble', { trouble }, 1)
    gauges.set('storeUp', {}, trouble === undefined ? 1 : 0)
  }
  return [
    onEvent('call-start', (call) => {
      const labels = { method: names.method(call.method), tool: call.kind === 'tool' ? names.name(call) : undefined }
      running.set(call, labels)
      gauges.change('running', labels, 1)
    }),
    onEvent('call', (call) => {
      const labels = running.get(call)
      if (labels) gauges.change('running', labels, -1)
      running.delete(call)
    }),
    onEvent('stream-start', (stream) => {
      streams.add(stream)
      gauges.change('streams', { kind: stream.kind }, 1)
    }),
    onEvent('stream', (stream) => {
      if (streams.delete(stream)) gauges.change('streams', { kind: stream.kind }, -1)
    }),
    onEvent('drain-start', () => gauges.set('draining', {}, 1)),
    onEvent('store', onStore),
  ]
}
