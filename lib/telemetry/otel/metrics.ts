/** The metrics of the conventions, by the provider of metrics that the process has. */
import type { Context, Histogram } from '@opentelemetry/api'
import { attributesOf, attributesOfSession } from '../attributes.ts'
import { BUCKETS, METRICS } from '../names.ts'
import type { EndedSession, Operation } from '../operations.ts'
import { type Api, SCOPE } from './api.ts'

interface Histograms {
  server: Histogram
  client: Histogram
  session: Histogram
}

const DESCRIPTIONS = {
  [METRICS.serverOperation]: 'Requests and notifications of clients, until their result has been sent.',
  [METRICS.clientOperation]: 'Requests to clients, until their answer has arrived.',
  [METRICS.serverSession]: 'Sessions that a client or the end of its stream has ended.',
}

export class Metrics {
  readonly #api: Api
  #provider: object | undefined
  #histograms: Histograms | undefined

  constructor(api: Api) {
    this.#api = api
  }

  /** @param context of the operation's span: some exporters keep one as an example */
  operation(operation: Operation, context: Context): void {
    this.#now[operation.side].record(operation.seconds, attributesOf(operation), context)
  }

  session(session: EndedSession, context: Context): void {
    this.#now.session.record(session.seconds, attributesOfSession(session), context)
  }

  /** An application may set its provider late: the API gives a meter without effect until then. */
  get #now(): Histograms {
    const provider = this.#api.metrics.getMeterProvider()
    if (this.#histograms && this.#provider === provider) return this.#histograms
    this.#provider = provider
    const meter = provider.getMeter(SCOPE)
    const histogram = (name: keyof typeof DESCRIPTIONS) =>
      meter.createHistogram(name, {
        unit: 's',
        description: DESCRIPTIONS[name],
        advice: { explicitBucketBoundaries: [...BUCKETS] },
      })
    this.#histograms = {
      server: histogram(METRICS.serverOperation),
      client: histogram(METRICS.clientOperation),
      session: histogram(METRICS.serverSession),
    }
    return this.#histograms
  }
}
