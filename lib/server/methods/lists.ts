/**
 * The four lists: `tools/list`, `prompts/list`, `resources/list` and `resources/templates/list`.
 *
 * A page is serialized once for each revision and each set of scopes that makes a difference, and sent as it is from
 * then on. Only `resources/list` with templates that list their own resources is made anew for each request.
 */

import { toJson } from '../../base/to-json.ts'
import type { AuthInfo } from '../../protocol/auth-info.ts'
import { downgradePrompt, downgradeResource, downgradeTool } from '../../protocol/downgrade.ts'
import { invalidParams, type ProtocolError } from '../../protocol/errors.ts'
import { type JsonObject, RawJson } from '../../protocol/jsonrpc.ts'
import type { CacheableMethod } from '../../protocol/methods.ts'
import { features, type Revision } from '../../protocol/revisions.ts'
import type { Resource } from '../../protocol/types.ts'
import type { ClientChannel } from '../context/client-channel.ts'
import { Context } from '../context/context.ts'
import type { Registered, RegisteredTemplate } from '../registry/entries.ts'
import type { Registry } from '../registry/registry.ts'
import type { MethodHandler } from './method.ts'

/** A caller does not see an entry whose scopes it lacks. Without authorization every caller sees every entry. */
function isVisible({ policy }: Registered<unknown>, auth: AuthInfo | undefined): boolean {
  return auth === undefined || policy.scopes.every((scope) => auth.scopes.includes(scope))
}

/** The most pages kept: more than a server has in all revisions and for all sets of scopes. */
const MAX_PAGES = 1000

/**
 * The handler of a list, whose name in its results is `member`.
 *
 * @throws ProtocolError -32602 (or rejects with it) for a cursor that no instance ever made
 */
function lister<Definition>(
  method: CacheableMethod,
  member: string,
  entriesOf: (registry: Registry) => ReadonlyMap<string, Registered<Definition>>,
  downgrade: (definition: Definition, revision: Revision) => Definition,
): MethodHandler {
  const page = (registry: Registry, { auth, revision }: ClientChannel, start: number, listed: readonly Resource[]) => {
    const entries = [...entriesOf(registry).values()]
    const visible = entries.filter((entry) => isVisible(entry, auth))
    const items = [...visible.map(({ definition }) => downgrade(definition, revision)), ...listed]
    if (start > items.length) throw unknownCursor()
    const end = start + registry.pageSize
    const result: JsonObject = { [member]: items.slice(start, end) }
    if (end < items.length) result.nextCursor = writeCursor(end, method)
    if (features(revision).cacheHints) {
      // The same for all pages.
      const all = [...entries, ...(method === 'resources/list' ? registry.templates.values() : [])]
      Object.assign(result, registry.cacheHint(method, 60_000, all))
    }
    return new RawJson(toJson(result))
  }
  return (registry, params, channel) => {
    const start = readCursor(params?.cursor, method)
    const templates = method === 'resources/list' ? listingTemplates(registry, channel.auth) : []
    if (templates.length > 0) {
      return listedBy(templates, new Context(channel, params)).then((more) => page(registry, channel, start, more))
    }
    const key = `${method} ${channel.revision} ${start} ${scopeKey(registry, channel.auth)}`
    const ready = registry.pages.get(key)
    if (ready !== undefined) return ready
    const made = page(registry, channel, start, [])
    if (registry.pages.size >= MAX_PAGES) registry.pages.clear()
    registry.pages.set(key, made)
    return made
  }
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

/** The templates that list their own resources. */
function listingTemplates({ templates }: Registry, auth: AuthInfo | undefined): RegisteredTemplate[] {
  return [...templates.values()].filter((entry) => entry.template.list !== undefined && isVisible(entry, auth))
}

async function listedBy(templates: readonly RegisteredTemplate[], ctx: Context): Promise<Resource[]> {
  const listed = templates.map(async ({ template, definition }) => {
    const { name: _name, uriTemplate: _template, _meta, ...inherited } = definition
    const { resources } = (await template.list?.(ctx)) ?? { resources: [] }
    return resources.map((resource) => downgradeResource({ ...inherited, ...resource }, ctx.revision))
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
