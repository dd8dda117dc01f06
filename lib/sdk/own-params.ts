/** The parameters of requests, as the author's server gets them. */
import type { JsonObject } from '../protocol/jsonrpc.ts'

/** Parameters for the server: what belongs to the endpoint is not in them, nor what the endpoint does not offer. */
export function own(method: string, params: JsonObject | undefined): JsonObject | undefined {
  if (!params || !OFFERED_BY_ENDPOINT.some((name) => name in params)) return params
  if (method !== 'tools/call' && method !== 'prompts/get' && method !== 'resources/read') return params
  const { inputResponses: _responses, requestState: _state, task: _task, ...rest } = params
  return rest
}

/** Answers and state of the stateless revision, and the wish for a task. */
const OFFERED_BY_ENDPOINT = ['inputResponses', 'requestState', 'task']
