/**
 * The four lists: `tools/list`, `prompts/list`, `resources/list` and `resources/templates/list`.
 *
 * A page is serialized once for each revision and each set of scopes that makes a difference, and sent as it is from
 * then on. Only `resources/list` with templates that list their own resources is made anew each time.
 */

import type { AuthInfo } from '../../protocol/auth-info.ts'
import { downgradePrompt, downgradeResource, downgradeTool } from '../../protocol/downgrade.ts'
import { ErrorCode, ProtocolError } from '../../protocol/errors.ts'
import { type JsonObject, RawJson } from '../../protocol/jsonrpc.ts'
import { type Revision, STATELESS_REVISION } from '../../protocol/revisions.ts'
import type { Resource } from '../../protocol/types.ts'
import type { ClientChannel } from '../context/client-channel.ts'
import { Context } from '../context/context.ts'
import type { McpServer } from '../mcp-server.ts'
import type { RegisteredTemplate } from '../registry/entries.ts'
import { asProtocolError } from './failures.ts'

export type ListMethod = 'tools/list' | 'prompts/list' | 'resources/list' | 'resources/templates/list'

interface Listed {
  readonly requiredScopes: readonly string[]
}

/** The name of the list in its result, its entries, and an entry as the revision has it. */
interface List<Entry extends Listed> {
  member: string
  entries(server: McpServer): Iterable<Entry>
  item(entry: Entry, revision: Revision): unknown
}

const list = <Entry extends Listed>(definition: List<Entry>): List<Listed> => definition as unknown as List<Listed>

const LISTS: Readonly<Record<ListMethod, List<Listed>>> = {
  'tools/list': list({
    member: 'tools',
    entries: (server) => server.tools.values(),
    item: (entry, revision) => downgradeTool(entry.definition, revision),
  }),
  'prompts/list': list({
    member: 'prompts',
    entries: (server) => server.prompts.values(),
    item: (entry, revision) => downgradePrompt(entry.definition, revision),
  }),
  'resources/list': list({
    member: 'resources',
    entries: (server) => server.resources.values(),
    item: (entry, revision) => downgradeResource(entry.definition, revision),
  }),
  'resources/templates/list': list({
    member: 'resourceTemplates',
    entries: (server) => server.templates.values(),
    item: (entry, revision) => downgradeResource(entry.definition, revision),
  }),
}

/** What a caller lacks the scopes for it does not see. Without authorization everybody sees everything. */
export function isVisible({ requiredScopes }: Listed, auth: AuthInfo | undefined): boolean {
  return auth === undefined || requiredScopes.every((scope) => auth.scopes.includes(scope))
}

/** More than any sensible number of pages, revisions and scope sets; a bound nevertheless. */
const MAX_PAGES = 1000

/**
 * One page of a list.
 *
 * @throws ProtocolError -32602 for a cursor that no instance ever made
 */
export function listPage(
  server: McpServer,
  method: ListMethod,
  params: JsonObject | undefined,
  channel: ClientChannel,
): RawJson | Promise<RawJson> {
  const start = readCursor(params?.cursor, method)
  const { auth, revision } = channel
  const makers = method === 'resources/list' ? resourceMakers(server, auth) : []
  if (makers.length > 0) return madeAnew(server, makers, start, params, channel)

  const key = `${method} ${revision} ${start} ${scopeKey(server, auth)}`
  const ready = server.pages.get(key)
  if (ready !== undefined) return ready
  const made = page(server, method, staticItems(server, method, auth, revision), start, revision)
  if (server.pages.size >= MAX_PAGES) server.pages.clear()
  server.pages.set(key, made)
  return made
}

/** Only the scopes that something here asks for make a difference. */
function scopeKey(server: McpServer, auth: AuthInfo | undefined): string {
  if (auth === undefined || server.scopes.size === 0) return '*'
  return [...server.scopes].filter((scope) => auth.scopes.includes(scope)).join(' ')
}

function staticItems(server: McpServer, method: ListMethod, auth: AuthInfo | undefined, revision: Revision): unknown[] {
  const { entries, item } = LISTS[method]
  const items: unknown[] = []
  for (const entry of entries(server)) if (isVisible(entry, auth)) items.push(item(entry, revision))
  return items
}

function page(server: McpServer, method: ListMethod, items: unknown[], start: number, revision: Revision): RawJson {
  if (start > items.length) throw unknownCursor()
  const end = start + server.pageSize
  const result: JsonObject = { [LISTS[method].member]: items.slice(start, end) }
  if (end < items.length) result.nextCursor = writeCursor(end, method)
  if (revision === STATELESS_REVISION) Object.assign(result, hint(server, method))
  return new RawJson(JSON.stringify(result))
}

/** The same for all pages, and private where it depends on the caller. */
function hint(server: McpServer, method: ListMethod) {
  const own = server.cacheHint(method)
  const entries = [...LISTS[method].entries(server), ...(method === 'resources/list' ? server.templates.values() : [])]
  return entries.some((entry) => entry.requiredScopes.length > 0) ? { ...own, cacheScope: 'private' } : own
}

function resourceMakers(server: McpServer, auth: AuthInfo | undefined): RegisteredTemplate[] {
  const makers: RegisteredTemplate[] = []
  for (const entry of server.templates.values()) {
    if (entry.template.list !== undefined && isVisible(entry, auth)) makers.push(entry)
  }
  return makers
}

async function madeAnew(
  server: McpServer,
  makers: readonly RegisteredTemplate[],
  start: number,
  params: JsonObject | undefined,
  channel: ClientChannel,
): Promise<RawJson> {
  const { auth, revision } = channel
  const ctx = new Context(channel, params)
  const listed = async ({ template, definition }: RegisteredTemplate): Promise<Resource[]> => {
    const { name: _name, uriTemplate: _template, _meta, ...inherited } = definition
    const { resources } = (await template.list?.(ctx)) ?? { resources: [] }
    return resources.map((resource) => downgradeResource({ ...inherited, ...resource }, revision))
  }
  const made = await Promise.all(makers.map(listed)).catch((error: unknown) => {
    throw asProtocolError(error, channel)
  })
  const items = [...staticItems(server, 'resources/list', auth, revision), ...made.flat()]
  return page(server, 'resources/list', items, start, revision)
}

// A cursor is a position, so that every instance and every build can read it.

function writeCursor(position: number, method: ListMethod): string {
  return Buffer.from(`${method}:${position}`).toString('base64url')
}

function readCursor(cursor: unknown, method: ListMethod): number {
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
