/** The lists of one instance of a server of the official SDK. Those that are the same for every caller are kept as JSON. */
import { toJson } from '../base/to-json.ts'
import { downgradePrompt, downgradeResource, downgradeTool } from '../protocol/downgrade.ts'
import { isObject, type JsonObject, RawJson, type Result } from '../protocol/jsonrpc.ts'
import { features, type Revision } from '../protocol/revisions.ts'
import type { Prompt, Resource, Tool } from '../protocol/types.ts'
import type { ClientChannel } from '../server/context/client-channel.ts'
import { callerOf } from '../server/registry/visibility.ts'
import type { Policies } from './policies.ts'

interface ListRow {
  /** The member of the result that has the items. */
  member: string
  downgrade(item: never, revision: Revision): JsonObject
}

export const LISTS: Readonly<Record<string, ListRow>> = {
  'tools/list': { member: 'tools', downgrade: (item: Tool, at) => downgradeTool(item, at) },
  'prompts/list': { member: 'prompts', downgrade: (item: Prompt, at) => downgradePrompt(item, at) },
  'resources/list': {
    member: 'resources',
    downgrade: (item: Resource, at) => downgradeResource(item, at),
  },
  'resources/templates/list': {
    member: 'resourceTemplates',
    downgrade: (item: Resource, at) => downgradeResource(item, at),
  },
}

interface ListParts {
  policies: Policies
  /** The handler of the list. */
  handlerOf(method: string): unknown
  /** Whether the handler is the SDK's own, which makes the list of the registrations alone. */
  isSame(method: string): boolean
  hintOf(method: string): JsonObject
}

/** Clients choose no part of a key, but an author's `visible` may have many outcomes. */
const MOST_KEPT = 200

export class OfficialLists {
  readonly #parts: ListParts
  readonly #kept = new Map<string, Result>()
  /** By method: the handler that was last seen, and whether its list is the same for every caller. */
  readonly #handlers = new Map<string, { handler: unknown; isSame: boolean }>()
  /** Changes with each announcement: a list that was made before it is not kept. */
  #version = 0

  constructor(parts: ListParts) {
    this.#parts = parts
  }

  changed(): void {
    this.#version++
    this.#kept.clear()
    this.#handlers.clear()
  }

  /** The list is the same for every caller. */
  #isSame(method: string): boolean {
    const handler = this.#parts.handlerOf(method)
    const known = this.#handlers.get(method)
    if (known && known.handler === handler) return known.isSame
    const isSame = handler !== undefined && this.#parts.isSame(method)
    this.#handlers.set(method, { handler, isSame })
    return isSame
  }

  /** `load` asks the server. Its result may be changed: it is this call's own. */
  list(
    method: string,
    params: JsonObject | undefined,
    channel: ClientChannel,
    load: () => Promise<JsonObject>,
  ): Result | Promise<Result> {
    const row = LISTS[method] as ListRow
    const view = row.member === 'tools' ? this.#parts.policies.viewOf(callerOf(channel)) : ''
    const key = `${method} ${channel.revision} ${view}`
    if (params?.cursor !== undefined) return load().then((result) => this.#wire(method, row, result, channel))
    const kept = this.#kept.get(key)
    if (kept && this.#isSame(method)) return kept
    const version = this.#version
    return load().then((result) => {
      const wire = this.#wire(method, row, result, channel)
      if (version !== this.#version || !this.#isSame(method)) return wire
      if (this.#kept.size >= MOST_KEPT) this.#kept.clear()
      const ready = wire._meta === undefined ? new RawJson(toJson(wire)) : wire
      this.#kept.set(key, ready)
      return ready
    })
  }

  #wire(method: string, { member, downgrade }: ListRow, result: JsonObject, channel: ClientChannel): JsonObject {
    const { policies, hintOf } = this.#parts
    const { [member]: all, ...more } = result
    const items: unknown[] = Array.isArray(all) ? all : []
    if (member === 'tools') policies.learn(items)
    const caller = callerOf(channel)
    const visible = member === 'tools' ? items.filter((item) => policies.isListed(nameOf(item), caller)) : items
    const change = downgrade as (item: unknown, revision: Revision) => JsonObject
    const declared = member === 'tools' ? visible.map((item) => policies.withTasks(item)) : visible
    const listed = declared.map((item) => (isObject(item) ? change(item, channel.revision) : item))
    const hint = features(channel.revision).cacheHints ? hintOf(method) : {}
    return { [member]: listed, ...hint, ...more }
  }
}

function nameOf(item: unknown): unknown {
  return isObject(item) ? item.name : undefined
}
