/**
 * Metrics for CloudWatch as lines of the Embedded Metric Format, which Lambda's log turns into metrics: a scrape would reach one
 * environment, asleep or not. Values are collected, and written at the end of each invocation.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
import { recordEvents } from './record.ts'
import { COUNTERS, HISTOGRAMS, type LabelValues, type Sink } from './table.ts'

/** Values of a metric in one line. */
const MAX_VALUES = 100
/** Lines that wait for the end of the invocation. Beyond them values of further labels are lost. */
const MAX_WAITING = 1_000

type Unit = 'Count' | 'Milliseconds'

/** A metric with its values: those of a counter are one sum. */
interface Collected {
  unit: Unit
  dimensions: readonly (readonly string[])[]
  values: number[]
}

/** What has the same labels: one line, or several where there are many values. */
interface Document {
  labels: Record<string, string>
  metrics: Map<string, Collected>
}

interface EmfParts {
  namespace: string
  /** The dimension `FunctionName` of every metric. Undefined: there is none. */
  functionName: string | undefined
  /** ms since 1970. */
  wall(): number
  write(text: string): unknown
}

export interface EmfMetrics {
  /** Writes what was collected. */
  flush(): void
  close(): void
}

/** Begins to record. */
export function emfMetrics({ namespace, functionName, wall, write }: EmfParts): EmfMetrics {
  const collector = new Collector()
  const stop = recordEvents(collector)
  const shared: Record<string, string> = functionName === undefined ? {} : { FunctionName: functionName }
  return {
    flush() {
      const lines = collector.take().flatMap((document) => linesOf(document, namespace, wall(), shared))
      if (lines.length > 0) write(lines.join(''))
    },
    close: stop,
  }
}

class Collector implements Sink {
  #documents = new Map<string, Document>()

  count(key: keyof typeof COUNTERS, labels: LabelValues): void {
    const row = COUNTERS[key]
    if (!('cloudWatch' in row)) return
    const { name, dimensions } = row.cloudWatch
    const collected = this.#collected(name, 'Count', dimensions, labels)
    if (collected) collected.values[0] = (collected.values[0] ?? 0) + 1
  }

  observe(key: keyof typeof HISTOGRAMS, labels: LabelValues, seconds: number): void {
    const { name, dimensions } = HISTOGRAMS[key].cloudWatch
    this.#collected(name, 'Milliseconds', dimensions, labels)?.values.push(Math.round(seconds * 1e6) / 1e3)
  }

  take(): Document[] {
    const documents = [...this.#documents.values()]
    this.#documents = new Map()
    return documents
  }

  #collected(name: string, unit: Unit, sets: Collected['dimensions'], labels: LabelValues): Collected | undefined {
    const names = new Set(sets.flat())
    const present: Record<string, string> = {}
    for (const label of names) if (labels[label]) present[label] = labels[label]
    const key = JSON.stringify(present)
    let document = this.#documents.get(key)
    if (!document) {
      if (this.#documents.size >= MAX_WAITING) return undefined
      document = { labels: present, metrics: new Map() }
      this.#documents.set(key, document)
    }
    let collected = document.metrics.get(name)
    if (!collected) {
      // CloudWatch refuses a set with a dimension that has no value.
      const dimensions = sets.filter((set) => set.every((label) => present[label] !== undefined))
      collected = { unit, dimensions, values: [] }
      document.metrics.set(name, collected)
    }
    return collected
  }
}

/** The lines of a document, each with at most {@link MAX_VALUES} values of a metric. */
function linesOf({ labels, metrics }: Document, namespace: string, now: number, shared: Record<string, string>) {
  const lines: string[] = []
  const rest = new Map(metrics)
  while (rest.size > 0) {
    const members: Record<string, number | number[]> = {}
    const directives = new Map<string, { dimensions: string[][]; metrics: { Name: string; Unit: Unit }[] }>()
    for (const [name, { unit, dimensions, values }] of rest) {
      const written = values.splice(0, MAX_VALUES)
      const [first = 0] = written
      members[name] = written.length === 1 ? first : written
      const sets = dimensions.map((set) => [...Object.keys(shared), ...set])
      const key = JSON.stringify(sets)
      const directive = directives.get(key) ?? { dimensions: sets, metrics: [] }
      directive.metrics.push({ Name: name, Unit: unit })
      directives.set(key, directive)
      if (values.length === 0) rest.delete(name)
    }
    const CloudWatchMetrics = [...directives.values()].map((directive) => {
      return { Namespace: namespace, Dimensions: directive.dimensions, Metrics: directive.metrics }
    })
    const root = { _aws: { Timestamp: now, CloudWatchMetrics }, ...shared, ...labels, ...members }
    lines.push(`${JSON.stringify(root)}\n`)
  }
  return lines
}
