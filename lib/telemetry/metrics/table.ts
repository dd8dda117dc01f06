/**
 * The metrics of an instance: their names, labels and texts, once for Prometheus and for CloudWatch. docs/telemetry.md describes them.
 * Every label has a bounded number of values.
 */
import { BUCKETS } from '../names.ts'

interface Row {
  name: string
  help: string
  labels: readonly string[]
  /** Values that are there from the start, so that the first event is seen as an increase: those of the only label. */
  known?: readonly string[]
  /**
   * The name in CloudWatch; undefined: a frozen environment has no use for it. `dimensions` are sets of labels: each combination
   * of their values is a metric that is paid for.
   */
  cloudWatch?: { name: string; dimensions: readonly (readonly string[])[] }
}

interface HistogramRow extends Row {
  /** Upper bounds, in seconds. */
  buckets: readonly number[]
}

const REASONS = [
  ...['rate', 'limit', 'origin', 'host', 'token_missing', 'token_malformed', 'token_invalid', 'scope'],
  ...['authorization_server', 'session', 'store', 'failure', 'request'],
] as const
const TROUBLES = ['away', 'full', 'loading', 'readonly', 'denied', 'moved', 'outdated'] as const
const STREAMS = ['call', 'get', 'resume', 'listen', 'legacy'] as const

/** Commands take a millisecond or less where all is well, and 2.5 s at most. */
const COMMAND_BUCKETS = [0.000_5, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]

/** Histograms, in seconds. */
export const HISTOGRAMS = {
  operations: {
    name: 'mcp_operation_duration_seconds',
    help: 'Requests and notifications of clients, by method, tool and outcome.',
    labels: ['method', 'tool', 'outcome'],
    buckets: BUCKETS,
    cloudWatch: { name: 'OperationDuration', dimensions: [[], ['method', 'outcome'], ['tool', 'outcome']] },
  },
  asks: {
    name: 'mcp_ask_duration_seconds',
    help: 'Requests of this endpoint to its clients: elicitation, sampling, roots.',
    labels: ['method', 'outcome'],
    buckets: BUCKETS,
    cloudWatch: { name: 'AskDuration', dimensions: [['method', 'outcome']] },
  },
  commands: {
    name: 'mcp_store_command_duration_seconds',
    help: 'Commands of the store, failed ones included.',
    labels: ['command'],
    buckets: COMMAND_BUCKETS,
    cloudWatch: { name: 'StoreCommandDuration', dimensions: [[]] },
  },
} as const satisfies Record<string, HistogramRow>

export const COUNTERS = {
  responses: {
    name: 'mcp_http_responses_total',
    help: 'Responses of HTTP that are over, by method and status.',
    labels: ['method', 'status'],
    cloudWatch: { name: 'Responses', dimensions: [['status']] },
  },
  faults: {
    name: 'mcp_call_faults_total',
    help: 'Calls that failed without intent, by tool and fault.',
    labels: ['tool', 'fault'],
    cloudWatch: { name: 'CallFaults', dimensions: [['fault'], ['tool', 'fault']] },
  },
  sessionsOpened: {
    name: 'mcp_sessions_opened_total',
    help: 'Sessions that this instance opened.',
    labels: ['revision'],
    cloudWatch: { name: 'SessionsOpened', dimensions: [[]] },
  },
  sessionsEnded: {
    name: 'mcp_sessions_ended_total',
    help: 'Sessions that were ended through this instance. Sessions that expire are not counted.',
    labels: ['outcome'],
    known: ['deleted', 'closed'],
    cloudWatch: { name: 'SessionsEnded', dimensions: [[]] },
  },
  streamsEnded: {
    name: 'mcp_streams_ended_total',
    help: 'Streams that are over, by kind and outcome.',
    labels: ['kind', 'outcome'],
  },
  takeovers: {
    name: 'mcp_takeovers_total',
    help: 'Calls of instances that died or shut down, and suspended ones that go on (woken), which this instance claimed.',
    labels: ['outcome'],
    known: ['rerun', 'failed', 'cancelled', 'woken'],
    cloudWatch: { name: 'Takeovers', dimensions: [['outcome']] },
  },
  suspensions: {
    name: 'mcp_suspensions_total',
    help: 'Calls whose run has ended here while they wait for their client, by tool.',
    labels: ['tool'],
    cloudWatch: { name: 'Suspensions', dimensions: [[], ['tool']] },
  },
  legs: {
    name: 'mcp_task_legs_total',
    help: 'Runs of legs of tasks that are over here, by tool and run: the first, a takeover, or with the answers of the client (wake).',
    labels: ['tool', 'run'],
    cloudWatch: { name: 'TaskLegs', dimensions: [['run']] },
  },
  refusals: {
    name: 'mcp_refusals_total',
    help: 'Requests that were refused before anything ran, by reason.',
    labels: ['reason'],
    known: REASONS,
    cloudWatch: { name: 'Refusals', dimensions: [['reason']] },
  },
  commandErrors: {
    name: 'mcp_store_errors_total',
    help: 'Commands of the store that failed.',
    labels: ['command'],
    cloudWatch: { name: 'StoreErrors', dimensions: [[]] },
  },
  outages: {
    name: 'mcp_store_outages_total',
    help: 'Outages of the store as this instance saw them, by trouble.',
    labels: ['trouble'],
    known: TROUBLES,
    cloudWatch: { name: 'StoreOutages', dimensions: [['trouble']] },
  },
} as const satisfies Record<string, Row>

export const GAUGES = {
  streams: {
    name: 'mcp_streams_open',
    help: 'Streaming responses that are open, by kind.',
    labels: ['kind'],
    known: STREAMS,
  },
  running: {
    name: 'mcp_calls_running',
    help: 'Calls whose handler runs in this instance, by method and tool.',
    labels: ['method', 'tool'],
  },
  draining: { name: 'mcp_draining', help: '1 while the instance shuts down.', labels: [] },
  storeUp: { name: 'mcp_store_up', help: '0 while the store does not serve this instance.', labels: [] },
  storeTrouble: {
    name: 'mcp_store_trouble',
    help: '1 for the trouble that the store has.',
    labels: ['trouble'],
    known: TROUBLES,
  },
} as const satisfies Record<string, Row>

/** Read when they are asked for. */
export const READINGS = {
  instance: { name: 'mcp_instance_info', help: '1, with the id that log lines have as `instance`.', labels: ['id'] },
  ready: { name: 'mcp_ready', help: '1 for what /readyz answers.', labels: ['state'] },
  owed: {
    name: 'mcp_calls_owed',
    help: 'Work at the store that waits until the store answers again, mostly for calls that have ended.',
    labels: [],
  },
  streamsLimit: { name: 'mcp_streams_limit', help: 'MAX_STREAMS.', labels: [] },
  held: { name: 'mcp_held_bytes', help: 'Bytes that clients make this instance hold.', labels: ['of'] },
  heldLimit: { name: 'mcp_held_limit_bytes', help: 'The bound of mcp_held_bytes.', labels: ['of'] },
  heapLimit: { name: 'mcp_heap_limit_bytes', help: 'What V8 may use of memory.', labels: [] },
} as const satisfies Record<string, Row>

type HistogramKey = keyof typeof HISTOGRAMS
type CounterKey = keyof typeof COUNTERS
type GaugeKey = keyof typeof GAUGES

/** The values of labels. A label without a value is left out, or has an empty one. */
export type LabelValues = Readonly<Record<string, string | undefined>>

/** Takes what happens. */
export interface Sink {
  count(counter: CounterKey, labels: LabelValues): void
  observe(histogram: HistogramKey, labels: LabelValues, seconds: number): void
  /** Undefined: the sink has no gauges. */
  gauges?: {
    change(gauge: GaugeKey, labels: LabelValues, by: 1 | -1): void
    set(gauge: GaugeKey, labels: LabelValues, value: number): void
  }
}
