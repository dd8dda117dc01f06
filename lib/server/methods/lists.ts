/**
 * The four lists: `tools/list`, `prompts/list`, `resources/list` and `resources/templates/list`.
 *
 * A page is serialized once for each revision and each set of scopes that makes a difference, and sent as it is from
 * then on. Only `resources/list` with templates that list their own resources is made anew for each request.
 */

import type { AuthInfo } from '../../protocol/auth-info.ts'
import { downgradePrompt, downgradeResource, downgradeTool } from '../../protocol/downgrade.ts'
import { ErrorCode, ProtocolError } from '../../protocol/errors.ts'
import { type JsonObject, RawJson } from '../../protocol/jsonrpc.ts'
import type { CacheableMethod } from '../../protocol/methods.ts'
import { features, type Revision } from '../../protocol/revisions.ts'
import type { Resource } from '../../protocol/types.ts'
import type { ClientChannel } from '../context/client-channel.ts'
import { Context } from '../context/context.ts'
import type { Registered, RegisteredTemplate } from '../registry/entries.ts'
import type { Registry } from '../registry/registry.ts'
import { asProtocolError } from './failures.ts'

interface List {
  method: CacheableMethod
  /** The name of the list in its result. */
  member: string
  entries(registry: Registry): Registered<unknown>[]
  /** The entries that the caller sees, as the revision has them. */
  items(registry: Registry, { auth, revision }: ClientChannel): unknown[]
}

/** A caller does not see an entry whose scopes it lacks. Without authorization every caller sees every entry. */
function isVisible({ policy }: Registered<unknown>, auth: AuthInfo | undefined): boolean {
  return auth === undefined || policy.scopes.every((scope) => auth.scopes.includes(scope))
}

function lister<Definition>(
  method: CacheableMethod,
  member: string,
  entriesOf: (registry: Registry) => ReadonlyMap<string, Registered<Definition>>,
  downgrade: (definition: Definition, revision: Revision) => Definition,
) {
  const entries = (registry: Registry) => [...entriesOf(registry).values()]
  const items: List['items'] = (registry, { auth, revision }) =>
    entries(registry).flatMap((entry) => (isVisible(entry, auth) ? downgrade(entry.definition, revision) : []))
  const list: List = { method, member, entries, items }
  return (registry: Registry, params: JsonObject | undefined, channel: ClientChannel) =>
    listPage(list, registry, params, channel)
}

export const listTools = lister('tools/list', 'tools', ({ tools }) => tools, downgradeTool)
export const listPrompts = lister('prompts/list', 'prompts', ({ prompts }) => prompts, downgradePrompt)
export const listResources = lister('resources/list', 'resources', ({ resources }) => resources, downgradeResource)
export const listTemplates = lister(
  'resources/templates/list',
  'resourceTemplates',
  ({ templates }) => templates,
  downgradeResource,
)

/** The most pages kept: more than a server has in all revisions and for all sets of scopes. */
const MAX_PAGES = 1000

/**
 * One page of a list.
 *
 * @throws ProtocolError -32602 for a cursor that no instance ever made
 */
function listPage(
  list: List,
  registry: Registry,
  params: JsonObject | undefined,
  channel: ClientChannel,
): RawJson | Promise<RawJson> {
  const { method } = list
  const start = readCursor(params?.cursor, method)
  const dynamic = method === 'resources/list' ? resourceMakers(registry, channel.auth) : []
  if (dynamic.length > 0) return listDynamic(list, registry, dynamic, start, params, channel)

  const key = `${method} ${channel.revision} ${start} ${scopeKey(registry, channel.auth)}`
  const ready = registry.pages.get(key)
  if (ready !== undefined) return ready
  const made = page(list, registry, list.items(registry, channel), start, channel.revision)
  if (registry.pages.size >= MAX_PAGES) registry.pages.clear()
  registry.pages.set(key, made)
  return made
}

/** The part of a page's key that depends on the caller: those of its scopes that an entry of this server needs. */
function scopeKey({ scopes }: Registry, auth: AuthInfo | undefined): string {
  if (auth === undefined || scopes.size === 0) return '*'
  return [...scopes].filter((scope) => auth.scopes.includes(scope)).join(' ')
}

function page(list: List, registry: Registry, items: unknown[], start: number, revision: Revision): RawJson {
  if (start > items.length) throw unknownCursor()
  const end = start + registry.pageSize
  const result: JsonObject = { [list.member]: items.slice(start, end) }
  if (end < items.length) result.nextCursor = writeCursor(end, list.method)
  if (features(revision).cacheHints) Object.assign(result, hint(list, registry))
  return new RawJson(JSON.stringify(result))
}

/** The cache hint of a list: the same for all pages, and private where the list depends on the caller. */
function hint({ method, entries }: List, registry: Registry) {
  const own = registry.cacheHint(method, undefined, 60_000)
  const all = [...entries(registry), ...(method === 'resources/list' ? registry.templates.values() : [])]
  return all.some(({ policy }) => policy.scopes.length > 0) ? { ...own, cacheScope: 'private' } : own
}

function resourceMakers({ templates }: Registry, auth: AuthInfo | undefined): RegisteredTemplate[] {
  return [...templates.values()].filter((entry) => entry.template.list !== undefined && isVisible(entry, auth))
}

async function listDynamic(
  list: List,
  registry: Registry,
  dynamic: readonly RegisteredTemplate[],
  start: number,
  params: JsonObject | undefined,
  channel: ClientChannel,
): Promise<RawJson> {
  const ctx = new Context(channel, params)
  const listed = async ({ template, definition }: RegisteredTemplate): Promise<Resource[]> => {
    const { name: _name, uriTemplate: _template, _meta, ...inherited } = definition
    const { resources } = (await template.list?.(ctx)) ?? { resources: [] }
    return resources.map((resource) => downgradeResource({ ...inherited, ...resource }, channel.revision))
  }
  const made = await Promise.all(dynamic.map(listed)).catch((error: unknown) => {
    throw asProtocolError(error, channel)
  })
  return page(list, registry, [...list.items(registry, channel), ...made.flat()], start, channel.revision)
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
  return new ProtocolError(ErrorCode.InvalidParams, 'Unknown cursor: it is not one that this list gave.')
}
