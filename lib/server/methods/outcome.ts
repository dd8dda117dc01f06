/** What a middleware returns, as the client may get it: checked as the result of a handler is, in the revision of the client. */
import { asError } from '../../base/errors.ts'
import { toJson } from '../../base/to-json.ts'
import {
  downgradePrompt,
  downgradePromptResult,
  downgradeReadResult,
  downgradeResource,
  downgradeTool,
} from '../../protocol/downgrade.ts'
import { ErrorCode, ProtocolError } from '../../protocol/errors.ts'
import { isObject, type JsonObject, RawJson, type Result } from '../../protocol/jsonrpc.ts'
import type { CacheableMethod, ServerMethod } from '../../protocol/methods.ts'
import { features, type Revision } from '../../protocol/revisions.ts'
import type { GetPromptResult, Prompt, ReadResourceResult, Resource, Tool } from '../../protocol/types.ts'
import { toolError } from '../context/errors.ts'
import { faultOf, withFault } from '../context/fault.ts'
import type { RegisteredTool } from '../registry/entries.ts'
import type { Registry } from '../registry/registry.ts'
import { MAX_VALUES } from './complete.ts'
import { failureText } from './failures.ts'
import {
  requireContents,
  requireListed,
  requireMessages,
  requirePrompts,
  requireTemplates,
  requireTools,
  requireValues,
  toolResultFault,
} from './faults.ts'
import { untouched } from './lazy-result.ts'
import { withinSize } from './limits.ts'
import { viewerOf } from './method.ts'
import type { MiddlewareRequest } from './middleware.ts'
import { checkOutput, complete, unreadable } from './tools.ts'

/** What the handler of a request has answered. */
export interface Served {
  /** The tool that was run. */
  tool: RegisteredTool | undefined
  /** JSON of its structured content, where that has a schema. */
  structured: string | undefined
  /** The result, where it is ready as JSON. */
  raw: RawJson | undefined
}

export function servedBy(request: MiddlewareRequest, params: JsonObject | undefined, result: Result): Served {
  const raw = result instanceof RawJson ? result : undefined
  if (request.method !== 'tools/call') return { tool: undefined, structured: undefined, raw }
  const tool = toolOf(request, params)
  const isChecked = tool?.output !== undefined && !(result instanceof RawJson) && result.structuredContent !== undefined
  return { tool, structured: isChecked ? toJson(result.structuredContent) : undefined, raw }
}

/** The tool that params name, as far as the caller sees it. */
function toolOf({ registry, channel }: MiddlewareRequest, params: JsonObject | undefined): RegisteredTool | undefined {
  const name = params?.name
  return typeof name === 'string' ? registry.seen(registry.tools.get(name), viewerOf(registry, channel)) : undefined
}

/**
 * The result of a request whose middleware returned `value`.
 *
 * @param served what the handler has answered, where it was called
 * @throws ProtocolError (or rejects with it) where the value is not valid, except for a tool, whose result says so
 */
export function outcomeOf(
  request: MiddlewareRequest,
  value: unknown,
  served: Served | undefined,
): Result | Promise<Result> {
  const { method, channel } = request
  // A middleware may have kept the result of another request, which may have another revision.
  const raw = untouched(value)
  if (raw && raw === served?.raw) return raw
  if (method === 'tools/call') return toolOutcome(request, value, served)
  try {
    return FINISH[method](value, request, channel.revision)
  } catch (thrown) {
    const error = asError(thrown)
    throw withFault(new ProtocolError(ErrorCode.InternalError, failureText(error)), 'middleware', error)
  }
}

const OWNER = 'A middleware'

async function toolOutcome(request: MiddlewareRequest, value: unknown, served: Served | undefined): Promise<Result> {
  const { registry, params } = request
  const named = toolOf(request, params)
  const tool = served?.tool ?? named
  const result = await checkedResult(request, value, named, served)
  const { maxResultBytes } = (tool ? tool.limits : registry.limits) ?? {}
  if (!maxResultBytes) return result
  return withinSize(tool?.definition.name ?? 'tools/call', maxResultBytes, result)
}

/** `named`: the tool that the client named, by whose schema it checks the result. */
async function checkedResult(
  { channel }: MiddlewareRequest,
  value: unknown,
  named: RegisteredTool | undefined,
  served: Served | undefined,
): Promise<JsonObject> {
  try {
    const fault = toolResultFault(value)
    if (fault !== undefined) return invalid(`${OWNER} returned no valid result of tools/call: ${fault}`)
    const given = value as JsonObject
    const isChecked = named === served?.tool && served?.structured === structuredJson(given)
    const result = named && !isChecked ? await checkOutput(named, given, channel) : complete(given, channel)
    // The cause of a failure belongs to the result, which may be another object now.
    const noted = faultOf(given)
    return noted && result !== given ? withFault(result, noted.fault, noted.error) : result
  } catch (error) {
    return unreadable(value, error)
  }
}

function structuredJson({ structuredContent }: JsonObject): string | undefined {
  return structuredContent === undefined ? undefined : toJson(structuredContent)
}

function invalid(text: string): JsonObject {
  return withFault(toolError(text), 'middleware', new TypeError(text))
}

type Finish = (value: unknown, request: MiddlewareRequest, revision: Revision) => JsonObject

const FINISH: Readonly<Record<Exclude<ServerMethod, 'tools/call'>, Finish>> = {
  'prompts/get': (value, _request, revision) => {
    requireMessages(value, OWNER)
    return downgradePromptResult(value as GetPromptResult, revision)
  },
  'resources/read': (value, { registry }, revision) => {
    requireContents(value, OWNER)
    return withHint(downgradeReadResult(value as ReadResourceResult, revision), registry, 'resources/read', 0, revision)
  },
  'completion/complete': (value) => {
    const completion = isObject(value) ? value.completion : undefined
    const { values, total, hasMore } = isObject(completion) ? completion : {}
    requireValues(values, OWNER)
    const counted = Number.isSafeInteger(total) ? (total as number) : values.length
    const more = hasMore === true || values.length > MAX_VALUES
    return {
      ...(value as JsonObject),
      completion: { values: values.slice(0, MAX_VALUES), total: counted, hasMore: more },
    }
  },
  'tools/list': finishList('tools/list', 'tools', requireTools, downgradeTool as Downgrade<Tool>),
  'prompts/list': finishList('prompts/list', 'prompts', requirePrompts, downgradePrompt as Downgrade<Prompt>),
  'resources/list': finishList('resources/list', 'resources', requireListed, downgradeResource as Downgrade<Resource>),
  'resources/templates/list': finishList(
    'resources/templates/list',
    'resourceTemplates',
    requireTemplates,
    downgradeResource as Downgrade<Resource>,
  ),
}

type Downgrade<T> = (definition: T, revision: Revision) => T

function finishList<T extends JsonObject>(
  method: CacheableMethod,
  member: string,
  require: (value: unknown, owner: string) => void,
  downgrade: Downgrade<T>,
): Finish {
  return (value, { registry }, revision) => {
    require(value, OWNER)
    const list = value as JsonObject
    const { nextCursor } = list
    if (nextCursor !== undefined && typeof nextCursor !== 'string') {
      throw new TypeError(`${OWNER} returned no valid result: nextCursor must be a string.`)
    }
    const items = (list[member] as T[]).map((item) => downgrade(item, revision))
    return withHint({ ...list, [member]: items }, registry, method, 60_000, revision)
  }
}

/** A result that differs from caller to caller is private, whatever the server says of such results. */
function withHint(
  result: JsonObject,
  registry: Registry,
  method: CacheableMethod,
  ttlMs: number,
  revision: Revision,
): JsonObject {
  if (!features(revision).cacheHints) return result
  const isTime = Number.isSafeInteger(result.ttlMs) && (result.ttlMs as number) >= 0
  return { ...result, ...registry.cacheHint(method, ttlMs, [], isTime ? { ttlMs: result.ttlMs as number } : undefined) }
}
