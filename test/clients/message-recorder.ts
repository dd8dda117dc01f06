/** Records the messages that a client receives, and checks them against the official schemas. */
import * as core from '@modelcontextprotocol/core'
import { expect } from 'vitest'
import type { RpcMessage } from '../support/raw.ts'
import { notInRevision } from './revision-members.ts'

interface Schema {
  parse(value: unknown): unknown
}

const RESULTS: Record<string, Schema> = {
  initialize: core.InitializeResultSchema,
  ping: core.EmptyResultSchema,
  'tools/list': core.ListToolsResultSchema,
  'tools/call': core.CallToolResultSchema,
  'resources/list': core.ListResourcesResultSchema,
  'resources/templates/list': core.ListResourceTemplatesResultSchema,
  'resources/read': core.ReadResourceResultSchema,
  'resources/subscribe': core.EmptyResultSchema,
  'resources/unsubscribe': core.EmptyResultSchema,
  'prompts/list': core.ListPromptsResultSchema,
  'prompts/get': core.GetPromptResultSchema,
  'completion/complete': core.CompleteResultSchema,
  'logging/setLevel': core.EmptyResultSchema,
}

/** Records messages as the `fetch` of a client. */
export class MessageRecorder {
  /** The bodies of the responses so far. */
  readonly #bodies: { type: string; text: string; request: RpcMessage | RpcMessage[] | undefined }[] = []

  readonly fetch = async (url: string | URL, init?: RequestInit): Promise<Response> => {
    const request = typeof init?.body === 'string' ? (JSON.parse(init.body) as RpcMessage) : undefined
    const response = await fetch(url, init)
    const type = response.headers.get('content-type') ?? ''
    if (!response.body) return response
    const body = { type, text: '', request }
    this.#bodies.push(body)
    const decoder = new TextDecoder()
    const along = new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        body.text += decoder.decode(chunk, { stream: true })
        controller.enqueue(chunk)
      },
    })
    const { status, statusText, headers } = response
    return new Response(response.body.pipeThrough(along), { status, statusText, headers })
  }

  /** Every received message. For a response also the method of its request. */
  messages(): { message: RpcMessage; method: string | undefined }[] {
    const methods = new Map<string | number, string>()
    for (const { request } of this.#bodies) {
      for (const { id, method } of [request ?? []].flat()) {
        if (id !== undefined && method !== undefined) methods.set(id, method)
      }
    }
    return this.#bodies
      .flatMap(({ type, text }) => (type === 'text/event-stream' ? eventData(text) : [text]))
      .filter((text) => text !== '')
      .flatMap((text) => JSON.parse(text) as RpcMessage | RpcMessage[])
      .map((message) => ({
        message,
        method: message.id === undefined || message.method !== undefined ? undefined : methods.get(message.id),
      }))
  }

  /** Checks every message. Returns the answered methods, and the methods of the server's requests and notifications. */
  check(revision: string): Set<string> {
    const seen = new Set<string>()
    for (const { message, method } of this.messages()) {
      expect(() => checkMessage(message, method), JSON.stringify(message)).not.toThrow()
      expect(notInRevision(revision, message, method), JSON.stringify(message).slice(0, 2_000)).toEqual([])
      seen.add(message.method ?? method ?? '')
    }
    return seen
  }
}

/** The data of the complete events of a stream. */
function eventData(text: string): string[] {
  const blocks = text.split('\n\n').slice(0, -1)
  return blocks
    .flatMap((block) => block.split('\n').filter((line) => line.startsWith('data:')))
    .map((line) => line.slice(5).trim())
}

/** @throws ZodError */
export function checkMessage(message: RpcMessage, method: string | undefined): void {
  core.JSONRPCMessageSchema.parse(message)
  if (message.method !== undefined) {
    if (message.id === undefined) core.ServerNotificationSchema.parse(message)
    else core.ServerRequestSchema.parse(message)
  } else if (message.result !== undefined) {
    const schema = RESULTS[method ?? '']
    if (!schema) throw new Error(`There is no schema for the result of ${method}.`)
    schema.parse(message.result)
  }
}
