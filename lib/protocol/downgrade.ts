/**
 * Results, definitions and parameters of the newest revision as an older revision allows them. The functions never
 * change their argument; they return the argument itself where the older revision allows all of it.
 *
 * Content of a type that the older revision lacks becomes text. Members that no revision of the schema names are the
 * author's and stay.
 */

import { isObject, type JsonObject } from './jsonrpc.ts'
import { features, isAtLeast, type Revision, STATELESS_REVISION } from './revisions.ts'
import type {
  Annotations,
  CallToolResult,
  ContentBlock,
  EmbeddedResource,
  GetPromptResult,
  Implementation,
  Prompt,
  PromptArgument,
  PromptMessage,
  ReadResourceResult,
  Resource,
  ResourceContents,
  ResourceTemplate,
  ServerCapabilities,
  TextContent,
  Tool,
} from './types.ts'

const B = '2025-03-26'
const C = '2025-06-18'
const D = '2025-11-25'

/**
 * Rules by member: the first revision that has the member, where it is younger than its type, or what happens to its
 * value, or to each item of it. A new member of a type is one entry here.
 */
type Rules<T> = { readonly [K in keyof T]?: Revision | ((value: never, revision: Revision) => unknown) }

const knownAnnotations = by<Annotations>({ lastModified: C })
const onlyD = (value: unknown, revision: Revision) => (revision === D ? value : undefined)
const knownTool = by<Tool>({ annotations: B, title: C, outputSchema: C, _meta: C, icons: D, execution: onlyD })
const RESOURCE: Rules<Resource & ResourceTemplate> = { title: C, _meta: C, icons: D, annotations: knownAnnotations }
const knownContents = by<ResourceContents>({ _meta: C })
const CONTENT: Rules<EmbeddedResource> = { _meta: C, annotations: knownAnnotations, resource: knownContents }
const CONTENT_TYPES: Partial<Record<ContentBlock['type'], Revision>> = { audio: B, resource_link: C }
const knownResult = byContent<CallToolResult>({ content: downgradeContent })

export const downgradeImplementation = by<Implementation>({ title: C, icons: D, description: D, websiteUrl: D })
export const downgradeCapabilities = by<ServerCapabilities>({
  completions: B,
  tasks: onlyD,
  extensions: STATELESS_REVISION,
})
export const downgradePrompt = by<Prompt>({ title: C, _meta: C, icons: D, arguments: by<PromptArgument>({ title: C }) })
export const downgradePromptResult = byContent<GetPromptResult>({
  messages: by<PromptMessage>({ content: downgradeContent }),
})
export const downgradeReadResult = byContent<ReadResourceResult>({ contents: knownContents })

/** Exported for the parameters of sampling. */
export function by<T extends JsonObject>(rules: Rules<T>) {
  return (value: T, revision: Revision): T => apply(rules, value, revision)
}

/** As {@link by}, for results: content is the same from 2025-11-25 on. */
function byContent<T extends JsonObject>(rules: Rules<T>) {
  return (value: T, revision: Revision): T => (isAtLeast(revision, D) ? value : apply(rules, value, revision))
}

/** `value` as `revision` allows it. */
function apply<T extends JsonObject>(rules: Rules<T>, value: T, revision: Revision): T {
  let changed: T | undefined
  for (const member in rules) {
    const before: unknown = value[member]
    const rule = rules[member]
    if (before === undefined || rule === undefined) continue
    if (typeof rule === 'string') {
      if (isAtLeast(revision, rule)) continue
      changed ??= { ...value }
      delete changed[member]
    } else {
      const change = rule as (value: unknown, revision: Revision) => unknown
      const after = Array.isArray(before) ? each(before, (item) => change(item, revision)) : change(before, revision)
      if (after !== before) changed = { ...(changed ?? value), [member]: after }
    }
  }
  return changed ?? value
}

/** `items`, each changed by `change`; the array itself where no item changes. */
function each(items: unknown[], change: (item: unknown) => unknown): unknown[] {
  const changed = items.map(change)
  return changed.every((item, index) => item === items[index]) ? items : changed
}

export function downgradeTool(tool: Tool, revision: Revision): Tool {
  const older = knownTool(tool, revision)
  const { outputSchema, ...rest } = older
  // Up to 2025-11-25 structured content is an object, so its schema must say so.
  const fits = outputSchema?.type === 'object' || features(revision).structuredJson
  return outputSchema === undefined || fits ? older : rest
}

export function downgradeResource<T extends Resource | ResourceTemplate>(resource: T, revision: Revision): T {
  return apply(RESOURCE as Rules<T>, resource, revision)
}

export function downgradeToolResult(result: CallToolResult, revision: Revision): CallToolResult {
  const { structuredObject, structuredJson } = features(revision)
  const structured = result.structuredContent
  if (structured === undefined || structuredJson || (structuredObject && isObject(structured))) {
    return knownResult(result, revision)
  }
  const { structuredContent: _, ...rest } = result
  return knownResult(rest, revision)
}

/** A block of content. A block whose type the revision lacks becomes text. */
export function downgradeContent(block: ContentBlock, revision: Revision): ContentBlock {
  const first = CONTENT_TYPES[block.type]
  if (first !== undefined && !isAtLeast(revision, first)) return asText(block)
  if (block.type === 'resource_link') return downgradeResource(block, revision)
  return apply(CONTENT as Rules<typeof block>, block, revision)
}

function asText(block: ContentBlock): TextContent {
  if (block.type !== 'resource_link') {
    const kind = 'mimeType' in block ? `${block.type}, ${block.mimeType}` : block.type
    return { type: 'text', text: `[${kind}: not in this version of the protocol]` }
  }
  const { name, title = name, uri, description } = block
  return { type: 'text', text: `${title}: ${uri}${description === undefined ? '' : ` (${description})`}` }
}
