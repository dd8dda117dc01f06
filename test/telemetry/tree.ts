/** Spans as an exporter has them, and the tree that they make. */
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'

export interface ExportedSpan {
  name: string
  kind: number
  trace: string
  id: string
  parent: string | undefined
  links: string[]
  attributes: Record<string, unknown>
}

export function exported(span: ReadableSpan): ExportedSpan {
  const { traceId, spanId } = span.spanContext()
  return {
    name: span.name,
    kind: span.kind,
    trace: traceId,
    id: spanId,
    parent: span.parentSpanContext?.spanId,
    links: span.links.map(({ context }) => context.spanId),
    attributes: { ...span.attributes },
  }
}

/** The spans without a parent among the spans, and `known` ones. One of them: all spans are one tree. */
export function rootsOf(spans: readonly ExportedSpan[], known: readonly string[] = []): string[] {
  const ids = new Set([...spans.map(({ id }) => id), ...known])
  return spans.filter(({ parent }) => parent === undefined || !ids.has(parent)).map(({ name }) => name)
}
