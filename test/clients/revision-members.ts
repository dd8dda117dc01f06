/** The members of every type that a server sends, with the first session revision that has them. */
import type { RpcMessage } from '../support/raw.ts'

const A = '2024-11-05'
const B = '2025-03-26'
const C = '2025-06-18'
const D = '2025-11-25'
/** For members of the schemas that this endpoint must never send. */
const NEVER = '9999'

/** The first revision; also the type of the value or of its items, if that is checked. */
type Member = string | readonly [since: string, type: string]
type Members = Record<string, Member>

const named = { name: A, title: C, icons: [D, 'Icon'] } satisfies Members
const annotated = { annotations: [A, 'Annotations'], _meta: C } satisfies Members
const resource = { ...named, ...annotated, description: A, mimeType: A } satisfies Members

const TYPES: Record<string, Members> = {
  Icon: { src: D, mimeType: D, sizes: D, theme: D },
  Annotations: { audience: A, priority: A, lastModified: C },
  Implementation: { ...named, version: A, description: D, websiteUrl: D },
  ServerCapabilities: {
    experimental: A,
    logging: A,
    prompts: [A, 'ListChanged'],
    resources: [A, 'ResourcesCapability'],
    tools: [A, 'ListChanged'],
    completions: B,
    tasks: [D, 'Object'],
    extensions: NEVER,
  },
  ListChanged: { listChanged: A },
  ToolExecution: { taskSupport: D },
  ResourcesCapability: { listChanged: A, subscribe: A },
  Tool: {
    ...named,
    description: A,
    inputSchema: A,
    annotations: [B, 'ToolAnnotations'],
    outputSchema: [C, 'ObjectSchema'],
    execution: [D, 'ToolExecution'],
    _meta: C,
  },
  ToolAnnotations: { title: B, readOnlyHint: B, destructiveHint: B, idempotentHint: B, openWorldHint: B },
  Resource: { ...resource, uri: A, size: A },
  ResourceTemplate: { ...resource, uriTemplate: A },
  Contents: { uri: A, mimeType: A, text: A, blob: A, _meta: C },
  Prompt: { ...named, description: A, arguments: [A, 'PromptArgument'], _meta: C },
  PromptArgument: { name: A, title: C, description: A, required: A },
  PromptMessage: { role: A, content: [A, 'Content'] },
  Completion: { values: A, total: A, hasMore: A },
  Error: { code: A, message: A, data: A },
  'Content text': { ...annotated, type: A, text: A },
  'Content image': { ...annotated, type: A, data: A, mimeType: A },
  'Content audio': { ...annotated, type: B, data: B, mimeType: B },
  'Content resource': { ...annotated, type: A, resource: [A, 'Contents'] },
  'Content resource_link': { ...resource, type: C, uri: C, size: C },
  'Content tool_use': { type: D, id: D, name: D, input: D, _meta: D },
  'Content tool_result': { type: D, toolUseId: D, content: [D, 'Content'], structuredContent: D, isError: D, _meta: D },
  SamplingMessage: { role: A, content: [A, 'Content'], _meta: D },

  'result initialize': {
    protocolVersion: A,
    capabilities: [A, 'ServerCapabilities'],
    serverInfo: [A, 'Implementation'],
    instructions: A,
    _meta: A,
  },
  'result tools/list': { tools: [A, 'Tool'], nextCursor: A, _meta: A },
  'result tools/call': { content: [A, 'Content'], structuredContent: [C, 'Object'], isError: A, _meta: A },
  'result resources/list': { resources: [A, 'Resource'], nextCursor: A, _meta: A },
  'result resources/templates/list': { resourceTemplates: [A, 'ResourceTemplate'], nextCursor: A, _meta: A },
  'result resources/read': { contents: [A, 'Contents'], _meta: A },
  'result prompts/list': { prompts: [A, 'Prompt'], nextCursor: A, _meta: A },
  'result prompts/get': { description: A, messages: [A, 'PromptMessage'], _meta: A },
  'result completion/complete': { completion: [A, 'Completion'], _meta: A },
  'result ping': { _meta: A },
  'result logging/setLevel': { _meta: A },
  'result resources/subscribe': { _meta: A },
  'result resources/unsubscribe': { _meta: A },

  'notifications/message': { level: A, logger: A, data: A, _meta: A },
  'notifications/progress': { progressToken: A, progress: A, total: A, message: B, _meta: A },
  'notifications/resources/updated': { uri: A, _meta: A },
  'notifications/resources/list_changed': { _meta: A },
  'notifications/tools/list_changed': { _meta: A },
  'notifications/prompts/list_changed': { _meta: A },
  'notifications/elicitation/complete': { elicitationId: D, _meta: D },

  ping: { _meta: A },
  'roots/list': { _meta: A },
  'sampling/createMessage': {
    messages: [A, 'SamplingMessage'],
    modelPreferences: A,
    systemPrompt: A,
    includeContext: A,
    temperature: A,
    maxTokens: A,
    stopSequences: A,
    metadata: A,
    tools: [D, 'Tool'],
    toolChoice: D,
    _meta: D,
  },
  'elicitation/create': { message: C, requestedSchema: C, mode: D, url: D, elicitationId: D, _meta: D },
}

/** The members of a value that the revision does not have, a line each. */
function unknownMembers(value: unknown, type: string, revision: string, path: string): string[] {
  if (Array.isArray(value)) return value.flatMap((item, i) => unknownMembers(item, type, revision, `${path}[${i}]`))
  if (typeof value !== 'object' || value === null) return [`${path} is no ${type}`]
  if (type === 'Object') return []
  const object = value as Record<string, unknown>
  if (type === 'ObjectSchema') return object.type === 'object' ? [] : [`${path} is a schema of no object`]
  const name = type === 'Content' ? `Content ${String(object.type)}` : type
  const members = TYPES[name]
  if (!members) return [`${path}: ${revision} has no ${name}`]
  return Object.entries(object).flatMap(([key, member]) => {
    const [since = undefined, inner = undefined] = [members[key] ?? []].flat()
    if (since === undefined || since > revision) return [`${path}.${key} is not in ${revision}`]
    return inner === undefined ? [] : unknownMembers(member, inner, revision, `${path}.${key}`)
  })
}

/** First revisions of the server's requests and notifications, where that is not 2024-11-05. */
const SINCE: Record<string, string> = { 'elicitation/create': C, 'notifications/elicitation/complete': D }
/** Error codes of the session revisions, JSON-RPC's and MCP's, with their first revisions. */
const CODES = new Map([
  ...[-32700, -32600, -32601, -32602, -32603, -32002].map((code) => [code, A] as const),
  [-32042, D],
])

/**
 * The members of `message` that `revision` does not have. `method`: the method of the request that the message answers.
 */
export function notInRevision(revision: string, message: RpcMessage, method: string | undefined): string[] {
  const envelope = Object.keys(message).filter(
    (key) => !['jsonrpc', 'id', 'method', 'params', 'result', 'error'].includes(key),
  )
  const problems = envelope.map((key) => `the message has "${key}"`)
  if (message.method !== undefined) {
    if ((SINCE[message.method] ?? A) > revision) problems.push(`${message.method} is not in ${revision}`)
    return [...problems, ...unknownMembers(message.params ?? {}, message.method, revision, message.method)]
  }
  if (message.id === undefined) problems.push('a response has no id')
  if (message.error) {
    const since = CODES.get(message.error.code)
    if (since === undefined || since > revision) problems.push(`the code ${message.error.code} is not in ${revision}`)
    return [...problems, ...unknownMembers(message.error, 'Error', revision, 'error')]
  }
  return [...problems, ...unknownMembers(message.result, `result ${method}`, revision, String(method))]
}
