/**
 * Results, definitions and parameters of the newest revision as an older revision allows them. The functions never
 * change their argument; they return the argument itself where the older revision allows all of it.
 *
 * Content of a type that the older revision lacks becomes text. Members that no revision of the schema names are the
 * author's and stay.
 */
import { isObject, type JsonObject, RawJson, type Result } from './jsonrpc.ts'
import { features, isAtLeast, type Revision, STATELESS_REVISION } from './revisions.ts'
import type {
  Annotations,
  CallToolResult,
  ContentBlock,
  CreateMessageRequestParams,
  GetPromptResult,
  Implementation,
  Prompt,
  PromptArgument,
  ReadResourceResult,
  Resource,
  ResourceContents,
  ResourceTemplate,
  SamplingMessage,
  SamplingMessageContentBlock,
  ServerCapabilities,
  TextContent,
  Tool,
} from './types.ts'

const B = '2025-03-26'
const C = '2025-06-18'
const D = '2025-11-25'

/** The first revision of each member that is younger than its type. A new member of a type is one entry here. */
type Since<T> = { readonly [K in keyof T]?: Revision }

const IMPLEMENTATION: Since<Implementation> = { title: C, icons: D, description: D, websiteUrl: D }
const TOOL: Since<Tool> = { annotations: B, title: C, outputSchema: C, _meta: C, icons: D }
const RESOURCE: Since<Resource & ResourceTemplate> = { title: C, _meta: C, icons: D }
const PROMPT: Since<Prompt> = { title: C, _meta: C, icons: D }
const PROMPT_ARGUMENT: Since<PromptArgument> = { title: C }
const CONTENT: Since<TextContent> = { _meta: C }
const CONTENT_TYPES: Since<Record<ContentBlock['type'], unknown>> = { audio: B, resource_link: C }
const CONTENTS: Since<ResourceContents> = { _meta: C }
const ANNOTATIONS: Since<Annotations> = { lastModified: C }
const CAPABILITIES: Since<ServerCapabilities> = { completions: B, extensions: STATELESS_REVISION }
const SAMPLING_MESSAGE: Since<SamplingMessage> = { _meta: D }

/** The first revision whose content needs no change: the last one in the tables above that are about content. */
const ALL_CONTENT = [CONTENT, CONTENT_TYPES, CONTENTS, ANNOTATIONS, RESOURCE]
  .flatMap((since) => Object.values(since))
  .reduce((last, first) => (isAtLeast(first, last) ? first : last))

function has<T>(since: Since<T>, member: keyof T, revision: Revision): boolean {
  const first = since[member]
  return first === undefined || isAtLeast(revision, first)
}

/** `value` without the members that `revision` lacks. */
function known<T extends JsonObject>(value: T, since: Since<T>, revision: Revision): T {
  let kept: T | undefined
  for (const member in since) {
    if (value[member] === undefined || has(since, member, revision)) continue
    kept ??= { ...value }
    delete kept[member]
  }
  return kept ?? value
}

/** `value` with its member `name` replaced; `value` itself where it has that member already. */
function withMember<T, K extends keyof T>(value: T, name: K, member: T[K]): T {
  return value[name] === member ? value : { ...value, [name]: member }
}

/** `items`, each changed by `change`; the array itself where no item changes. */
function each<T>(items: T[], change: (item: T) => T): T[] {
  let changed: T[] | undefined
  items.forEach((item, index) => {
    const next = change(item)
    if (next === item) return
    changed ??= [...items]
    changed[index] = next
  })
  return changed ?? items
}

function knownAnnotations<T extends { annotations?: Annotations | undefined }>(value: T, revision: Revision): T {
  if (value.annotations === undefined) return value
  return withMember(value, 'annotations', known(value.annotations, ANNOTATIONS, revision))
}

export function downgradeImplementation(info: Implementation, revision: Revision): Implementation {
  return known(info, IMPLEMENTATION, revision)
}

export function downgradeCapabilities(capabilities: ServerCapabilities, revision: Revision): ServerCapabilities {
  return known(capabilities, CAPABILITIES, revision)
}

export function downgradeTool(tool: Tool, revision: Revision): Tool {
  const older = known(tool, TOOL, revision)
  const { outputSchema, ...rest } = older
  // Up to 2025-11-25 structured content is an object, so its schema must say so.
  const fits = outputSchema?.type === 'object' || features(revision).structuredJson
  return outputSchema === undefined || fits ? older : rest
}

export function downgradeResource<T extends Resource | ResourceTemplate>(resource: T, revision: Revision): T {
  return knownAnnotations(known(resource, RESOURCE as Since<T>, revision), revision)
}

export function downgradePrompt(prompt: Prompt, revision: Revision): Prompt {
  const older = known(prompt, PROMPT, revision)
  if (older.arguments === undefined) return older
  const args = each(older.arguments, (argument) => known(argument, PROMPT_ARGUMENT, revision))
  return withMember(older, 'arguments', args)
}

export function downgradeToolResult(result: CallToolResult, revision: Revision): CallToolResult {
  const { structuredObject, structuredJson } = features(revision)
  if (structuredJson) return result
  let older = result
  if (result.structuredContent !== undefined && (!structuredObject || !isObject(result.structuredContent))) {
    const { structuredContent: _, ...rest } = result
    older = rest
  }
  if (isAtLeast(revision, ALL_CONTENT)) return older
  const content = each(older.content, (block) => downgradeContent(block, revision))
  return withMember(older, 'content', content)
}

export function downgradePromptResult(result: GetPromptResult, revision: Revision): GetPromptResult {
  if (isAtLeast(revision, ALL_CONTENT)) return result
  const messages = each(result.messages, (message) =>
    withMember(message, 'content', downgradeContent(message.content, revision)),
  )
  return withMember(result, 'messages', messages)
}

export function downgradeReadResult(result: ReadResourceResult, revision: Revision): ReadResourceResult {
  if (isAtLeast(revision, ALL_CONTENT)) return result
  const contents = each(result.contents, (one) => known(one, CONTENTS, revision))
  return withMember(result, 'contents', contents)
}

/** A block of content. A block whose type the revision lacks becomes text. */
export function downgradeContent(block: ContentBlock, revision: Revision): ContentBlock {
  if (!has(CONTENT_TYPES, block.type, revision)) return asText(block)
  if (block.type === 'resource_link') return downgradeResource(block, revision)
  const older = knownAnnotations(known(block, CONTENT as Since<typeof block>, revision), revision)
  if (older.type !== 'resource') return older
  return withMember(older, 'resource', known(older.resource, CONTENTS, revision))
}

function asText(block: ContentBlock): TextContent {
  if (block.type !== 'resource_link') {
    const kind = 'mimeType' in block ? `${block.type}, ${block.mimeType}` : block.type
    return { type: 'text', text: `[${kind}: not in this version of the protocol]` }
  }
  const { name, title = name, uri, description } = block
  return { type: 'text', text: `${title}: ${uri}${description === undefined ? '' : ` (${description})`}` }
}

/**
 * The parameters of `sampling/createMessage`. Several blocks in one message become several messages before 2025-11-25.
 * `tools` stay: a call with them was refused before, because they need a capability that older clients do not have.
 */
export function downgradeSampling(params: CreateMessageRequestParams, revision: Revision): CreateMessageRequestParams {
  if (features(revision).richSampling) return params
  const { _meta: _, ...rest } = params
  return { ...rest, messages: params.messages.flatMap((message) => splitMessage(message, revision)) }
}

function splitMessage(message: SamplingMessage, revision: Revision): SamplingMessage[] {
  const blocks = Array.isArray(message.content) ? message.content : [message.content]
  const older = known(message, SAMPLING_MESSAGE, revision)
  return blocks.map((block) => ({ ...older, content: downgradeSamplingContent(block, revision) }))
}

function downgradeSamplingContent(block: SamplingMessageContentBlock, revision: Revision): SamplingMessageContentBlock {
  return block.type === 'tool_use' || block.type === 'tool_result'
    ? { type: 'text', text: JSON.stringify(block) }
    : (downgradeContent(block, revision) as SamplingMessageContentBlock)
}

/** The key in `_meta` under which every result of the stateless revision names the server. */
const SERVER_INFO_KEY = 'io.modelcontextprotocol/serverInfo'

/**
 * A result as the stateless revision has it: with `resultType`, "complete" where it has none, and the server's
 * identity. Ready text must have neither yet.
 *
 * @param serverInfo JSON of `{ name, version }`, or of the whole description of the server
 */
export function completeResult(result: Result, serverInfo: string): RawJson {
  if (!(result instanceof RawJson) && (result._meta !== undefined || result.resultType !== undefined)) {
    const _meta = { ...(result._meta as JsonObject | undefined), [SERVER_INFO_KEY]: JSON.parse(serverInfo) }
    return new RawJson(JSON.stringify({ resultType: 'complete', ...result, _meta }))
  }
  const text = result instanceof RawJson ? result.text : JSON.stringify(result)
  const head = `{"resultType":"complete","_meta":{"${SERVER_INFO_KEY}":${serverInfo}}`
  return new RawJson(text === '{}' ? `${head}}` : `${head},${text.slice(1)}`)
}
