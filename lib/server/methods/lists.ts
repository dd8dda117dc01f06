/**
 * The four lists: `tools/list`, `prompts/list`, `resources/list` and `resources/templates/list`.
 *
 * Every client should see the whole list, and some clients read one page only. So a list has one page, unless it is very
 * long or the author chose a page size.
 *
 * The pages of a list are serialized once for each revision and each set of entries that callers see, and sent as they are from
 * then on. Only `resources/list` with templates that list their own resources is made anew for each request.
 */

import { toJson } from '../../base/to-json.ts'
import { type AuthInfo, hasScopes } from '../../protocol/auth-info.ts'
import { downgradePrompt, downgradeResource, downgradeTool } from '../../protocol/downgrade.ts'
import { invalidParams, type ProtocolError } from '../../protocol/errors.ts'
import { type JsonObject, RawJson } from '../../protocol/jsonrpc.ts'
import type { CacheableMethod } from '../../protocol/methods.ts'
import { features, type Revision } from '../../protocol/revisions.ts'
import type { Resource } from '../../protocol/types.ts'
import type { ClientChannel } from '../context/client-channel.ts'
import { Context } from '../context/context.ts'
import type { Caller } from '../registry/config.ts'
import type { Registered, RegisteredTemplate } from '../registry/entries.ts'
import type { ListPages } from '../registry/list-cache.ts'
import type { Registry } from '../registry/registry.ts'
import { requireListed } from './faults.ts'
import { type MethodHandler, viewerOf } from './method.ts'

interface Page {
  /** The position of the next page. */
  end: number
  result: RawJson
}

type Entry = Registered<unknown>

/** A list shows a caller no disabled entry, and none whose scopes it lacks. Without authorization no caller lacks scopes. */
function isListed({ policy, enabled }: Entry, auth: AuthInfo | undefined): boolean {
  return enabled && hasScopes(auth, policy.scopes)
}

/** The entries with `visible` that the caller does not see. */
interface Hidden extends ReadonlySet<Entry> {
  /** The same for every caller who sees the same entries. */
  readonly key: string
}

/** Asks each `visible` once: the key of a list and its entries must agree. Undefined: nothing is hidden from anybody. */
function hiddenFrom(caller: Caller | undefined, registry: Registry, entries: Iterable<Entry>): Hidden | undefined {
  if (caller === undefined) return undefined
  const hidden = new Set<Entry>()
  let key = ''
  for (const entry of entries) {
    if (entry.visible === undefined) continue
    const isSeen = registry.seen(entry, caller) !== undefined
    if (!isSeen) hidden.add(entry)
    key += isSeen ? '1' : '0'
  }
  return Object.assign(hidden, { key })
}

/** The most bytes of the items of a page, as JSON, where the author chose no page size. A longer item is a page itself. */
const PAGE_BYTES = 512 * 1024

/** The page size of builds that chose one themselves. A client may come from them in the middle of a list. */
const FORMER_PAGE_SIZE = 100

/**
 * The handler of a list, whose name in its results is `member`.
 *
 * @throws ProtocolError -32602 (or rejects with it) for a cursor at which no page begins
 */
function lister<Definition>(
  method: CacheableMethod,
  member: string,
  entriesOf: (registry: Registry) => ReadonlyMap<string, Registered<Definition>>,
  downgrade: (definition: Definition, revision: Revision) => Definition,
): MethodHandler {
  const visibleItems = (
    registry: Registry,
    { auth, revision }: ClientChannel,
    hidden: Hidden | undefined,
  ): string[] => {
    const visible = [...entriesOf(registry).values()].filter((entry) => isListed(entry, auth) && !hidden?.has(entry))
    return visible.map(({ definition }, i) => toJson(downgrade(definition, revision), `${member}[${i}]`))
  }
  /** `items`: the whole list, each item as JSON. */
  const page = (registry: Registry, { revision }: ClientChannel, items: readonly string[], start: number): Page => {
    const end = endOfPage(items, start, registry.pageSize)
    const more: JsonObject = {}
    if (end < items.length) more.nextCursor = writeCursor(end, method)
    if (features(revision).cacheHints) {
      // The same for all pages.
      const all = [...entriesOf(registry).values(), ...(method === 'resources/list' ? registry.templates.values() : [])]
      Object.assign(more, registry.cacheHint(method, 60_000, all))
    }
    const members = JSON.stringify(more).slice(1, -1)
    const text = `{"${member}":[${items.slice(start, end).join(',')}]${members === '' ? '' : `,${members}`}}`
    return { end, result: new RawJson(text) }
  }
  const allPages = (registry: Registry, channel: ClientChannel, hidden: Hidden | undefined): ListPages => {
    const items = visibleItems(registry, channel, hidden)
    const pages = new Map<number, RawJson>()
    let start = 0
    do {
      const { end, result } = page(registry, channel, items, start)
      pages.set(start, result)
      start = end
    } while (start < items.length)
    return pages
  }
  return (registry, params, channel, ctx) => {
    const start = readCursor(params?.cursor, method)
    const caller = viewerOf(registry, channel)
    const hidden = hiddenFrom(caller, registry, entriesOf(registry).values())
    const templates = method === 'resources/list' ? listingTemplates(registry, channel.auth, caller) : []
    if (templates.length > 0) {
      return listedBy(templates, ctx ?? new Context(channel, params)).then((listed) => {
        const items = visibleItems(registry, channel, hidden)
        for (const resource of listed) items.push(toJson(resource, `${member}[${items.length}]`))
        // The list may have become shorter between two pages.
        if (start > items.length) throw unknownCursor()
        return page(registry, channel, items, start).result
      })
    }
    const scopes = `${method} ${channel.revision} ${scopeKey(registry, channel.auth)}`
    const key = hidden === undefined ? scopes : `${scopes} ${hidden.key}`
    let pages = registry.lists.get(key)
    if (pages === undefined) {
      pages = allPages(registry, channel, hidden)
      registry.lists.set(key, pages)
    }
    const ready = pages.get(start)
    if (ready !== undefined) return ready
    if (registry.pageSize !== undefined || start % FORMER_PAGE_SIZE !== 0) throw unknownCursor()
    const items = visibleItems(registry, channel, hidden)
    if (start >= items.length) throw unknownCursor()
    return page(registry, channel, items, start).result
  }
}

/** The end of the page that begins at `start`: the position of the first item of the next page. */
function endOfPage(items: readonly string[], start: number, pageSize: number | undefined): number {
  if (pageSize !== undefined) return Math.min(start + pageSize, items.length)
  let end = start
  let bytes = 0
  while (end < items.length) {
    bytes += Buffer.byteLength(items[end] as string) + 1
    if (bytes > PAGE_BYTES && end > start) break
    end++
  }
  return end
}

export const listTools = lister('tools/list', 'tools', ({ tools }) => tools, downgradeTool)
export const listPrompts = lister('prompts/list', 'prompts', ({ prompts }) => prompts, downgradePrompt)
export const listResources = lister('resources/list', 'resources', ({ resources }) => resources, downgradeResource)
const templatesOf = ({ templates }: Registry) => templates
export const listTemplates = lister('resources/templates/list', 'resourceTemplates', templatesOf, downgradeResource)

/** The part of a page's key that depends on the caller: those of its scopes that an entry of this server needs. */
function scopeKey({ scopes }: Registry, auth: AuthInfo | undefined): string {
  if (auth === undefined || scopes.size === 0) return '*'
  return [...scopes].filter((scope) => auth.scopes.includes(scope)).join(' ')
}

/** The templates that list their own resources, as far as the caller sees them. */
function listingTemplates(
  registry: Registry,
  auth: AuthInfo | undefined,
  caller: Caller | undefined,
): RegisteredTemplate[] {
  return [...registry.templates.values()].filter(
    (entry) => entry.template.list !== undefined && isListed(entry, auth) && registry.seen(entry, caller) !== undefined,
  )
}

async function listedBy(templates: readonly RegisteredTemplate[], ctx: Context): Promise<Resource[]> {
  const listed = templates.map(async ({ template, definition }) => {
    const { name: _name, uriTemplate: _template, _meta, ...inherited } = definition
    const result: unknown = await template.list?.(ctx)
    requireListed(result, `The list of the template "${definition.name}"`)
    return (result.resources as Resource[]).map((resource) =>
      downgradeResource({ ...inherited, ...resource }, ctx.revision),
    )
  })
  return (await Promise.all(listed)).flat()
}

// A cursor is a position, which every instance and every build can read.

function writeCursor(position: number, method: string): string {
  return Buffer.from(`${method}:${position}`).toString('base64url')
}

function readCursor(cursor: unknown, method: string): number {
  if (cursor === undefined) return 0
  if (typeof cursor !== 'string') throw unknownCursor()
  const text = Buffer.from(cursor, 'base64url').toString()
  const position = Number(text.slice(method.length + 1))
  if (!Number.isSafeInteger(position) || position < 1 || writeCursor(position, method) !== cursor) throw unknownCursor()
  return position
}

function unknownCursor(): ProtocolError {
  return invalidParams('Unknown cursor: it is not one that this list gave.')
}
