/** What a run of a handler says, asks, does once and returns, as texts that are compared with those of another run. */
import { asError, textOf } from '../../base/errors.ts'
import { digest } from '../../base/ids.ts'
import { type JsonObject, RawJson, type Result } from '../../protocol/jsonrpc.ts'
import type { Ask, HandlerStep } from '../context/client-channel.ts'

/** How a promise has settled. */
export type Settled<T> = { value: T } | { error: unknown }

/** Characters of a step that are kept as they are. */
export const MAX_TEXT = 200

/** A message of the handler. Undefined for progress, of which a replay sends only what is beyond the last. */
export function messageStep(method: string, params: JsonObject): HandlerStep | undefined {
  if (method === 'notifications/progress') return undefined
  return { kind: 'message', name: method, text: short(params) }
}

/** An ask. The id of an elicitation is random unless its author has given one. */
export function askStep({ key, method, params }: Ask): HandlerStep {
  const { elicitationId: _, ...asked } = params ?? {}
  return { kind: 'ask', name: key, text: `${method} ${short(asked)}` }
}

export function onceStep(name: string): HandlerStep {
  return { kind: 'once', name, text: '' }
}

export function resultStep(outcome: Settled<Result>): HandlerStep {
  if ('error' in outcome) return { kind: 'result', name: 'result', text: `an error: ${textOf(outcome.error)}` }
  const { value } = outcome
  return { kind: 'result', name: 'result', text: value instanceof RawJson ? cut(value.text) : short(value) }
}

export async function settle<T>(work: () => T | Promise<T>): Promise<Settled<T>> {
  try {
    return { value: await work() }
  } catch (error) {
    return { error: asError(error) }
  }
}

function short(value: JsonObject): string {
  try {
    return cut(JSON.stringify(value))
  } catch (error) {
    return textOf(error)
  }
}

function cut(text: string): string {
  return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT)}… (${digest(text, 6)})`
}
