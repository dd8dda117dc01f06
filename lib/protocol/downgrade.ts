/**
 * What each revision may contain. The functions here take what the newest revision knows and give
 * what an older one knows; they never change their argument, and return it as it is where nothing is to be done.
 *
 * Where something would be lost it becomes text. Keys that the schema has never named are the author's and stay.
 */
import { isObject, type JsonObject, RawJson } from './jsonrpc.ts'
import { isAtLeast, type Revision, STATELESS_REVISION } from './revisions.ts'
import type {
  Annotations,
  CallToolResult,
  ContentBlock,
  CreateMessageRequestParams,
  EmbeddedResource,
  GetPromptResult,
  Implementation,
  Prompt,
  PromptArgument,
  ReadResourceResult,
  Resource,
  ResourceContents,
  ResourceLink,
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

/** The first revision of each member that is not as old as its type. */
type Since<T> = { readonly [K in keyof T]?: Revision }

const IMPLEMENTATION: Since<Implementation> = { title: C, icons: D, description: D, websiteUrl: D }
const TOOL: Since<Tool> = { annotations: B, title: C, outputSchema: C, _meta: C, icons: D }
const RESOURCE: Since<Resource & ResourceTemplate> = { title: C, _meta: C, icons: D }
const PROMPT: Since<Prompt> = { title: C, _meta: C, icons: D }
const PROMPT_ARGUMENT: Since<PromptArgument> = { title: C }
const CONTENT: Since<TextContent> = { _meta: C }
const CONTENTS: Since<ResourceContents> = { _meta: C }
const ANNOTATIONS: Since<Annotations> = { lastModified: C }
const CAPABILITIES: Since<ServerCapabilities> = { completions: B, extensions: STATELESS_REVISION }
const SAMPLING_MESSAGE: Since<SamplingMessage> = { _meta: D }

/** `value` without the members that `revision` does not know. */
function known<T extends JsonObject>(value: T, since: Since<T>, revision: Revision): T {
  let kept: T | undefined
  for (const key in since) {
    if (value[key] === undefined || isAtLeast(revision, since[key] as Revision)) continue
    kept ??= { ...value }
    delete kept[key]
  }
  return kept ?? value
}

function knownAnnotations<T extends JsonObject & { annotations?: Annotations | undefined }>(
  value: T,
  revision: Revision,
): T {
  if (value.annotations === undefined) return value
  const annotations = known(value.annotations, ANNOTATIONS, revision)
  return annotations === value.annotations ? value : { ...value, annotations }
}

export function gateImplementation(info: Implementation, revision: Revision): Implementation {
  return known(info, IMPLEMENTATION, revision)
}

export function gateCapabilities(capabilities: ServerCapabilities, revision: Revision): ServerCapabilities {
  return known(capabilities, CAPABILITIES, revision)
}

export function gateTool(tool: Tool, revision: Revision): Tool {
  const gated = known(tool, TOOL, revision)
  // Up to 2025-11-25 structured content is an object, so its schema must say so.
  if (revision === STATELESS_REVISION || gated.outputSchema === undefined || gated.outputSchema.type === 'object') {
    return gated
  }
  const { outputSchema: _, ...rest } = gated
  return rest
}

export function gateResource<T extends Resource | ResourceTemplate>(resource: T, revision: Revision): T {
  return knownAnnotations(known(resource, RESOURCE as Since<T>, revision), revision)
}

export function gatePrompt(prompt: Prompt, revision: Revision): Prompt {
  const gated = known(prompt, PROMPT, revision)
  if (isAtLeast(revision, C) || gated.arguments === undefined) return gated
  return { ...gated, arguments: gated.arguments.map((argument) => known(argument, PROMPT_ARGUMENT, revision)) }
}

export function gateToolResult(result: CallToolResult, revision: Revision): CallToolResult {
  if (revision === STATELESS_REVISION) return result
  const { structuredContent } = result
  let gated = result
  if (structuredContent !== undefined && (!isAtLeast(revision, C) || !isObject(structuredContent))) {
    const { structuredContent: _, ...rest } = result
    gated = rest
  }
  return isAtLeast(revision, D)
    ? gated
    : { ...gated, content: gated.content.map((block) => gateContent(block, revision)) }
}

export function gatePromptResult(result: GetPromptResult, revision: Revision): GetPromptResult {
  if (isAtLeast(revision, D)) return result
  return {
    ...result,
    messages: result.messages.map((message) => ({ ...message, content: gateContent(message.content, revision) })),
  }
}

export function gateReadResult(result: ReadResourceResult, revision: Revision): ReadResourceResult {
  if (isAtLeast(revision, C)) return result
  return { ...result, contents: result.contents.map((contents) => known(contents, CONTENTS, revision)) }
}

/** A block of content; what the revision has no type for becomes text. */
export function gateContent(block: ContentBlock, revision: Revision): ContentBlock {
  if (isAtLeast(revision, D)) return block
  switch (block.type) {
    case 'resource_link':
      return isAtLeast(revision, C) ? gateResource(block, revision) : linkText(block)
    case 'audio':
      return isAtLeast(revision, B) ? gateBlock(block, revision) : audioText(block.mimeType)
    case 'resource':
      return gateEmbedded(block, revision)
    default:
      return gateBlock(block, revision)
  }
}

function gateBlock<T extends ContentBlock>(block: T, revision: Revision): T {
  return knownAnnotations(known(block, CONTENT as Since<T>, revision), revision)
}

function gateEmbedded(block: EmbeddedResource, revision: Revision): EmbeddedResource {
  const gated = gateBlock(block, revision)
  const resource = known(gated.resource, CONTENTS, revision)
  return resource === gated.resource ? gated : { ...gated, resource }
}

function linkText(link: ResourceLink): TextContent {
  const name = link.title ?? link.name
  return { type: 'text', text: `${name}: ${link.uri}${link.description === undefined ? '' : ` (${link.description})`}` }
}

function audioText(mimeType: string): TextContent {
  return { type: 'text', text: `[audio, ${mimeType}: not in this version of the protocol]` }
}

/**
 * The parameters of `sampling/createMessage`. Several blocks in one message become several messages before 2025-11-25.
 * `tools` are not handled here: they need a capability that older clients do not have.
 */
export function gateSampling(params: CreateMessageRequestParams, revision: Revision): CreateMessageRequestParams {
  if (isAtLeast(revision, D)) return params
  const { _meta: _, ...rest } = params
  return { ...rest, messages: params.messages.flatMap((message) => splitMessage(message, revision)) }
}

function splitMessage(message: SamplingMessage, revision: Revision): SamplingMessage[] {
  const blocks = Array.isArray(message.content) ? message.content : [message.content]
  const whole = known(message, SAMPLING_MESSAGE, revision)
  return blocks.map((block) => ({ ...whole, content: gateSamplingContent(block, revision) }))
}

function gateSamplingContent(block: SamplingMessageContentBlock, revision: Revision): SamplingMessageContentBlock {
  return block.type === 'tool_use' || block.type === 'tool_result'
    ? { type: 'text', text: JSON.stringify(block) }
    : (gateContent(block, revision) as SamplingMessageContentBlock)
}

/** The key in `_meta` under which every result of the stateless revision names the server. */
export const SERVER_INFO_KEY = 'io.modelcontextprotocol/serverInfo'

/**
 * A result as the stateless revision has it: with `resultType`, "complete" where it has none, and the server's
 * identity. Ready text must have neither yet.
 *
 * @param serverInfo JSON of `{ name, version }`, or of all that is known
 */
export function completeResult(result: JsonObject | RawJson, serverInfo: string): RawJson {
  if (!(result instanceof RawJson) && (result._meta !== undefined || result.resultType !== undefined)) {
    const _meta = { ...(result._meta as JsonObject | undefined), [SERVER_INFO_KEY]: JSON.parse(serverInfo) }
    return new RawJson(JSON.stringify({ resultType: 'complete', ...result, _meta }))
  }
  const text = result instanceof RawJson ? result.text : JSON.stringify(result)
  const head = `{"resultType":"complete","_meta":{"${SERVER_INFO_KEY}":${serverInfo}}`
  return new RawJson(text === '{}' ? `${head}}` : `${head},${text.slice(1)}`)
}
