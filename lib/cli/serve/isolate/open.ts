/**
 * The dispatcher of a program that speaks MCP on stdin and stdout, and has a process for each session: it keeps the state of one
 * client, or cannot share its process otherwise. The requests of a session reach its process from every instance.
 */
import { asError, textOf } from '../../../base/errors.ts'
import { readOptions } from '../../../options.ts'
import { ErrorCode, ProtocolError } from '../../../protocol/errors.ts'
import type { JsonObject, Result } from '../../../protocol/jsonrpc.ts'
import { features } from '../../../protocol/revisions.ts'
import type { ServerCapabilities } from '../../../protocol/types.ts'
import type { Instance } from '../../../runtime/instance.ts'
import type { MemberDispatcher } from '../../../runtime/member.ts'
import { OfficialCall } from '../../../sdk/call.ts'
import { baseDispatcher } from '../../../sdk/dispatcher.ts'
import { LISTS, OfficialLists } from '../../../sdk/lists.ts'
import { openedOr, untilOpen } from '../../../sdk/official.ts'
import { requireKnownTools, requireOfficialOptions } from '../../../sdk/options.ts'
import { Policies } from '../../../sdk/policies.ts'
import { NOT_KEPT, resultFor } from '../../../sdk/results.ts'
import type { ClientChannel } from '../../../server/context/client-channel.ts'
import type { Dispatcher } from '../../../server/dispatcher.ts'
import { sessionKey } from '../../../session/stream/session.ts'
import { SERVE_SETTINGS, type ServeOptions } from '../../../settings-serve.ts'
import { startGuard } from '../../dev/guard.ts'
import { ChannelReceiver } from './channel-receiver.ts'
import { learnOf } from './learn.ts'
import { LAST_GRACE } from './place.ts'
import { Places } from './places.ts'
import { type Child, killAtExit } from './process/child.ts'
import { type Starter, startFor } from './start.ts'
import { refusalOf, tenantOf } from './tenant.ts'
import type { IsolateDispatcher, IsolateOptions } from './types.ts'

export const isolateDispatcher: IsolateDispatcher = (options) => new Isolate(options).dispatcher

class Isolate {
  readonly dispatcher: MemberDispatcher
  readonly #options: IsolateOptions
  readonly #bounds: ServeOptions
  readonly #reports = new Set<(error: Error) => void>()
  readonly #children = new Set<Child>()
  #instance: Instance | undefined
  #opened: Dispatcher | undefined
  #places: Places | undefined
  #starter: Starter | undefined
  /** The methods of sessions that the program handles, too. */
  #handled: ReadonlySet<string> = new Set()
  #forgetExit = () => {}

  constructor(options: IsolateOptions) {
    const { tools } = options
    requireOfficialOptions({ tools })
    this.#options = options
    const given = Object.entries(options).filter(([name]) => Object.hasOwn(SERVE_SETTINGS.serve, name))
    this.#bounds = readOptions('serve', SERVE_SETTINGS.serve, Object.fromEntries(given))
    this.dispatcher = this.#makeDispatcher()
  }

  get #name(): string {
    return this.#options.name ?? this.#options.command
  }

  #makeDispatcher(): MemberDispatcher {
    return {
      ...untilOpen(this.#options.tools, () => openedOr(this.#opened)),
      join: (instance) => {
        this.#instance = instance
      },
      open: (completed) => this.#open(completed),
      refusesStateless: refusalOf,
      handles: (method) => this.#handled.has(method),
      heard: (method, params, { session, caller }) => {
        if (SILENT.has(method)) return
        this.#places?.heard(sessionKey(caller.principal, session.id), method, params)
      },
      reportTo: (report) => void this.#reports.add(report),
      close: () => this.#close(),
    }
  }

  readonly #report = (error: Error): void => {
    for (const report of this.#reports) report(error)
  }

  async #open(completed: (elicitationId: string) => Promise<unknown>): Promise<readonly string[]> {
    const instance = this.#instance
    if (!instance) throw new Error('The dispatcher belongs to no endpoint.')
    this.#starter ??= this.#start()
    const starter = this.#starter
    const { own, tools } = await learnOf(starter)
    this.#handled = handledBy(own.capabilities)
    requireNamed(this.#options.tools, tools)
    const policies = new Policies({ tools: this.#options.tools, annotationsOf: () => undefined, report: this.#report })
    policies.learn(tools)
    const lists = new OfficialLists({
      policies,
      handlerOf: () => undefined,
      isSame: () => false,
      hintOf: () => NOT_KEPT,
    })
    const places = new Places({
      instance,
      bounds: this.#bounds,
      report: (error) => this.#report(new Error(`${this.#name} did not start: ${textOf(error)}`)),
      start: (place) => startFor(starter, instance, completed, place),
      hurry: () => void this.#endChildren(),
    })
    this.#places = places
    const serving = {
      serve(method: string, params: JsonObject | undefined, channel: ClientChannel, mayReplay: boolean) {
        const run = () => serve(places, method, params, channel, mayReplay)
        return Object.hasOwn(LISTS, method)
          ? lists.list(method, params, channel, run)
          : run().then((result): Result => resultFor(method, result, channel.revision, NOT_KEPT))
      },
    }
    this.#opened = baseDispatcher({ own, policies, use: (_channel, work) => work(serving) })
    const { processes, processesPerPrincipal, idle } = this.#bounds
    return [
      `There are at most ${processes} processes of it in this instance, and ${processesPerPrincipal} of one principal. One ` +
        `without a request ends after ${Math.round(idle / 1_000)} s.`,
    ]
  }

  #start(): Starter {
    this.#forgetExit = killAtExit(this.#children)
    return {
      program: this.#options,
      bounds: this.#bounds,
      name: this.#name,
      guard: startGuard([]),
      children: this.#children,
      report: this.#report,
    }
  }

  async #endChildren(): Promise<void> {
    await Promise.all([...this.#children].map((child) => child.end(LAST_GRACE)))
  }

  async #close(): Promise<void> {
    await this.#endChildren()
    this.#forgetExit()
    await this.#starter?.guard.end()
  }
}

/** @throws TypeError */
function requireNamed(options: IsolateOptions['tools'] = {}, tools: readonly JsonObject[]): void {
  if (tools.length > 0)
    requireKnownTools(
      options,
      tools.map(({ name }) => String(name)),
      'the program',
    )
}

function handledBy({ logging, resources }: ServerCapabilities): ReadonlySet<string> {
  return new Set([
    ...(logging ? ['logging/setLevel'] : []),
    ...(resources?.subscribe ? ['resources/subscribe', 'resources/unsubscribe'] : []),
  ])
}

/** What nobody needs to know, or reaches the process as a request. */
const SILENT: ReadonlySet<string> = new Set([
  'ping',
  'notifications/initialized',
  'resources/subscribe',
  'resources/unsubscribe',
])

/** Has the process of the caller answer a request. */
async function serve(
  places: Places,
  method: string,
  params: JsonObject | undefined,
  channel: ClientChannel,
  mayReplay: boolean,
): Promise<JsonObject> {
  const call = new OfficialCall(places, '', channel, method, params, mayReplay)
  const tenant = tenantOf(channel, call.client)
  const receiver = new ChannelReceiver(call)
  const ended = new AbortController()
  const signal = AbortSignal.any([channel.signal, ended.signal])
  try {
    return await Promise.race([places.request(tenant, method, params, receiver, signal), receiver.pending])
  } catch (error) {
    throw forRevision(asError(error), channel)
  } finally {
    call.over = true
    // The client answers with a later request, which runs this one again: this run is not needed any longer.
    ended.abort(new Error('The run has ended.'))
  }
}

/** The stateless revision has another code for a resource that does not exist. */
function forRevision(error: Error, { revision }: ClientChannel): Error {
  if (!(error instanceof ProtocolError) || error.code !== ErrorCode.ResourceNotFound) return error
  if (features(revision).resourceNotFoundCode) return error
  return new ProtocolError(ErrorCode.InvalidParams, error.message, error.data)
}
