/** Modules: methods and capabilities that are added to any server, such as those of an extension of the protocol. */
import { memoizeByObject } from '../base/memo.ts'
import { downgradeCapabilities } from '../protocol/downgrade.ts'
import type { JsonObject, Result } from '../protocol/jsonrpc.ts'
import type { Method } from '../protocol/methods.ts'
import type { ServerCapabilities } from '../protocol/types.ts'
import { type ClientChannel, channelFor } from './context/client-channel.ts'
import type { Description, Dispatcher } from './dispatcher.ts'
import { NO_POLICY } from './registry/policy.ts'

/** The row of a module's method. Its requests name no entry of the server, so no policy decides about them. */
type ModuleMethod = Pick<Method, 'mirrored' | 'asks'> & { readonly runsAgain?: 'always' }

/** Exported for tests. */
export interface Module {
  /** Rows by method name. */
  readonly methods: Readonly<Record<string, ModuleMethod>>
  /** Added to those of the server; a revision gets those that it has. */
  readonly capabilities: ServerCapabilities
  /** Answers a method of {@link methods}, as `Dispatcher.dispatch` does. */
  dispatch(method: string, params: JsonObject | undefined, channel: ClientChannel): Result | Promise<Result>
}

/**
 * `dispatcher` with the methods and capabilities of `module`. Exported for tests.
 *
 * @throws TypeError for a method that the dispatcher has already
 */
export function withModule(dispatcher: Dispatcher, module: Module): Dispatcher {
  const methods = new Map(dispatcher.methods)
  for (const [name, row] of Object.entries(module.methods)) {
    if (methods.has(name)) throw new TypeError(`The method "${name}" exists already.`)
    methods.set(name, { ...row, servedBy: 'server' })
  }
  const own = (method: string) => Object.hasOwn(module.methods, method)
  const extended = memoizeByObject((server: Description): Description => {
    const capabilities = merge(server.capabilities, module.capabilities)
    return { ...server, capabilities: downgradeCapabilities(capabilities, server.revision) }
  })
  return {
    methods,
    scopes: dispatcher.scopes,
    get hides() {
      return dispatcher.hides === true
    },
    get tasks() {
      return dispatcher.tasks === true
    },
    dispatch: (method, params, channel) =>
      own(method)
        ? module.dispatch(method, params, channelFor(method, methods.get(method), channel))
        : dispatcher.dispatch(method, params, channel),
    describe: (revision, offer) => extended(dispatcher.describe(revision, offer)),
    policyOf: (method, params, caller) => (own(method) ? NO_POLICY : dispatcher.policyOf(method, params, caller)),
    knows: (kind, name) => dispatcher.knows?.(kind, name) === true,
    shows: (uri, caller) => dispatcher.shows?.(uri, caller) ?? true,
    reportTo: (report) => dispatcher.reportTo?.(report),
    onChange: (listener) => dispatcher.onChange?.(listener),
    ...(dispatcher.open && { open: dispatcher.open }),
  }
}

/** Capabilities are objects, and so are their members: `extensions` of both become one. */
function merge(server: ServerCapabilities, added: ServerCapabilities): ServerCapabilities {
  const merged: JsonObject = { ...server }
  for (const [name, members] of Object.entries(added)) merged[name] = { ...(merged[name] ?? {}), ...members }
  return merged
}
