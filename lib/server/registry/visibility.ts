/** `visible` of entries: the function of an author that decides whether an entry exists for a caller. */
import { textOf } from '../../base/errors.ts'
import { handled } from '../../base/promises.ts'
import { kindOf } from '../../base/to-json.ts'
import { features } from '../../protocol/revisions.ts'
import type { ClientChannel } from '../context/client-channel.ts'
import type { Caller } from './config.ts'

type Visible = (caller: Caller) => unknown

interface Hideable {
  readonly definition: unknown
  readonly visible: Visible | undefined
}

/** @throws TypeError for a `visible` that cannot decide */
export function requireVisible(visible: unknown, what: string): void {
  if (visible === undefined) return
  if (typeof visible !== 'function')
    throw new TypeError(`${what}: visible is ${kindOf(visible)} and must be a function.`)
  if (Object.prototype.toString.call(visible) === '[object AsyncFunction]') {
    throw new TypeError(`${what}: visible is async, and must return true or false at once.`)
  }
}

/** The caller of a call. */
export function callerOf({ auth, revision, client }: Pick<ClientChannel, 'auth' | 'revision' | 'client'>): Caller {
  return { auth, revision, client: features(revision).sessions ? client : undefined }
}

const reported = new WeakSet<Visible>()

/** Whether the entry exists for the caller. A `visible` that fails hides it. */
export function isVisible(entry: Hideable, caller: Caller, report: (error: Error) => void): boolean {
  const { visible } = entry
  if (visible === undefined) return true
  let fault: string
  let cause: unknown
  try {
    const seen = visible(caller)
    if (typeof seen === 'boolean') return seen
    const isPromise = seen instanceof Promise
    if (isPromise) handled(seen)
    fault = `returned ${isPromise ? 'a promise' : kindOf(seen)} and must return true or false`
  } catch (error) {
    cause = error
    fault = `threw: ${textOf(error)}`
  }
  if (!reported.has(visible)) {
    reported.add(visible)
    const { name } = entry.definition as { name: string }
    report(new TypeError(`visible of "${name}" ${fault}. "${name}" is hidden from such callers.`, { cause }))
  }
  return false
}

/** Reports a fault where no endpoint does. */
export function warnOf(error: Error): void {
  process.emitWarning(error.message, 'McpAnywhereWarning')
}
