/** The metrics as Prometheus reads them, through `prom-client`, which is loaded where metrics are wanted. */
import type { Registry } from 'prom-client'
import { recordEvents } from './record.ts'
import { COUNTERS, GAUGES, HISTOGRAMS, type LabelValues, READINGS, type Sink } from './table.ts'

type Client = typeof import('prom-client')

/** What is read of an instance when Prometheus asks. */
interface Readings {
  instance: string
  /** What `/readyz` answers. */
  ready(): Promise<string>
  owed(): number
  held(): { requests: number; output: number }
  limits: { streams: number; held: { requests: number; output: number }; heap: number }
}

/** The states of `/readyz`. */
const READY_STATES = ['ok', 'degraded', 'starting', 'leaving', 'alone'] as const

export interface PrometheusMetrics {
  /** The header `Content-Type` of the text. */
  readonly contentType: string
  /** Adds what is read of the instance. To be called once. */
  read(readings: Readings): void
  text(): Promise<string>
  close(): void
}

/**
 * Loads `prom-client`.
 *
 * @throws Error with one line where it is not installed
 */
export async function loadPromClient(neededBy: string): Promise<Client> {
  try {
    const module = (await import('prom-client')) as Client & { default?: Client }
    return module.default ?? module
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new Error(`${neededBy} needs the package prom-client: npm install prom-client`)
  }
}

/** Begins to record. The metrics that an author has in the default registry of `prom-client` are in the text, too. */
export function prometheusMetrics(client: Client): PrometheusMetrics {
  const registry: Registry = new client.Registry()
  const registers = [registry]
  client.collectDefaultMetrics({ register: registry })
  const stop = recordEvents(sinkOf(client, registers))
  return {
    contentType: registry.contentType,
    read: (readings) => addReadings(client, registers, readings),
    text: async () => {
      const own = await registry.metrics()
      const others = await Promise.all(
        client.register
          .getMetricsAsArray()
          .filter(({ name }) => registry.getSingleMetric(name) === undefined)
          .map(({ name }) => client.register.getSingleMetricAsString(name)),
      )
      return others.length === 0 ? own : `${own}\n${others.join('\n\n')}\n`
    },
    close: stop,
  }
}

function sinkOf(client: Client, registers: Registry[]): Sink {
  const each = <T extends object, M>(table: T, make: (row: T[keyof T]) => M) =>
    Object.fromEntries(Object.entries(table).map(([key, row]) => [key, make(row)])) as Record<keyof T, M>
  const histograms = each(HISTOGRAMS, ({ name, help, labels, buckets }) => {
    return new client.Histogram({ name, help, labelNames: [...labels], buckets: [...buckets], registers })
  })
  const counters = each(COUNTERS, (row) => {
    const { name, help, labels } = row
    const counter = new client.Counter<string>({ name, help, labelNames: [...labels], registers })
    if ('known' in row) for (const value of row.known) counter.inc({ [labels[0]]: value }, 0)
    return counter
  })
  const gauges = each(GAUGES, (row) => {
    const { name, help, labels } = row
    const gauge = new client.Gauge<string>({ name, help, labelNames: [...labels], registers })
    if ('known' in row) for (const value of row.known) gauge.set({ [row.labels[0]]: value }, 0)
    return gauge
  })
  return {
    count: (counter, labels) => counters[counter].inc(filled(labels)),
    observe: (histogram, labels, seconds) => histograms[histogram].observe(filled(labels), seconds),
    gauges: {
      change: (gauge, labels, by) => gauges[gauge].inc(filled(labels), by),
      set: (gauge, labels, value) => gauges[gauge].set(filled(labels), value),
    },
  }
}

/** A label without a value is an empty one: Prometheus takes both for the same, and the series has all of its labels. */
function filled(labels: LabelValues): Record<string, string> {
  const values: Record<string, string> = {}
  for (const label in labels) values[label] = labels[label] ?? ''
  return values
}

function addReadings(client: Client, registers: Registry[], { instance, ready, owed, held, limits }: Readings): void {
  type Reading = (gauge: { set(labels: Record<string, string>, value: number): void }) => void | Promise<void>
  const add = ({ name, help, labels }: (typeof READINGS)[keyof typeof READINGS], reading: Reading) =>
    new client.Gauge<string>({
      name,
      help,
      labelNames: [...labels],
      registers,
      collect() {
        return reading(this)
      },
    })
  add(READINGS.instance, (gauge) => gauge.set({ id: instance }, 1))
  add(READINGS.ready, async (gauge) => {
    const now = await ready()
    for (const state of READY_STATES) gauge.set({ state }, state === now ? 1 : 0)
  })
  add(READINGS.owed, (gauge) => gauge.set({}, owed()))
  add(READINGS.streamsLimit, (gauge) => gauge.set({}, limits.streams))
  add(READINGS.heapLimit, (gauge) => gauge.set({}, limits.heap))
  const both = (row: (typeof READINGS)['held' | 'heldLimit'], read: () => { requests: number; output: number }) =>
    add(row, (gauge) => {
      const bytes = read()
      gauge.set({ of: 'requests' }, bytes.requests)
      gauge.set({ of: 'output' }, bytes.output)
    })
  both(READINGS.held, held)
  both(READINGS.heldLimit, () => limits.held)
}
