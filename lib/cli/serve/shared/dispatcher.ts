/** The dispatcher of a program that runs in this process. The program starts when the dispatcher is opened. */
import { METHODS } from '../../../protocol/methods.ts'
import { dispatcherFor, type OfficialServer, type Servable } from '../../../sdk/official.ts'
import type { OfficialOptions } from '../../../sdk/options.ts'
import { clientState, lowLevelOf } from '../../../sdk/private.ts'
import type { Dispatcher } from '../../../server/dispatcher.ts'
import type { Announcement } from '../../../server/registry/announcement.ts'
import type { Guard } from '../guard/guard.ts'
import type { Captured } from '../hook/capture.ts'
import type { Program } from '../program/find.ts'
import { firstServer } from './first-server.ts'

export interface SharedParts {
  program: Program
  /** How long it may take until it connects, in ms. */
  wait: number
  /** The whole environment of the program. */
  env: Readonly<Record<string, string | undefined>>
  options: OfficialOptions
  /** A server that keeps the state of one client is shared all the same: the operator has said so. */
  insists: boolean
  guard: Guard
  /** Receives what an operator should know. */
  report(error: Error): void
  /** Those to which `report` goes. */
  reports: Set<(error: Error) => void>
}

export function sharedDispatcher(parts: SharedParts): Dispatcher {
  const { options, guard, report, reports } = parts
  const listeners = new Set<(change: Announcement) => void>()
  // What can be read before the server is there.
  const { scopes, hides = false } = dispatcherFor(notThere, options)
  let inner: Dispatcher | undefined
  const opened = () => {
    if (!inner) throw new Error('The server is not open yet.')
    return inner
  }
  return {
    methods: METHODS,
    scopes,
    hides,
    async open(completed) {
      // The process first gets its own listeners to signals, in the turn in which the endpoint is made.
      await new Promise((resolve) => setImmediate(resolve))
      try {
        const captured = await firstServer(parts)
        const { servable, settings, notes } = servableOf(captured, parts)
        inner = dispatcherFor(servable, settings)
        inner.reportTo?.(report)
        inner.onChange?.((change) => {
          for (const listener of listeners) listener(change)
        })
        return [...notes, ...((await inner.open?.(completed)) ?? [])]
      } catch (error) {
        guard.giveBack()
        throw error
      }
    },
    dispatch: (method, params, channel) => opened().dispatch(method, params, channel),
    describe: (revision, offer) => opened().describe(revision, offer),
    policyOf: (method, params, caller) => opened().policyOf(method, params, caller),
    reportTo: (each) => void reports.add(each),
    onChange(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    close: () => guard.finish(),
  }
}

async function notThere(): Promise<OfficialServer> {
  throw new Error('The program does not run yet.')
}

interface Chosen {
  servable: Servable
  settings: OfficialOptions
  /** Sentences for the log of the start. */
  notes: string[]
}

/** @throws TypeError for a server that keeps the state of one client, where nobody insists */
function servableOf(captured: Captured, { program, options, insists }: SharedParts): Chosen {
  const { name, version } = captured.sdk
  const notes = [`${program.name} runs in this process, with ${name} ${version}.`]
  if (captured.custom) {
    // The look would have chosen processes.
    notes.push(`The transport that ${program.name} has around stdio is left out: --isolate none says so.`)
  }
  if (captured.kind === 'factory') return { servable: captured.factory, settings: options, notes }
  const { server } = captured
  const low = lowLevelOf(server)
  const state = low && clientState(low)
  if (state === undefined || options.instances !== undefined) return { servable: server, settings: options, notes }
  const why = `The server of ${program.name} ${state}, so it keeps the state of one client`
  if (!insists)
    throw new TypeError(`${why}. Say --isolate session, or --isolate none, with which all clients share it.`)
  return {
    servable: server,
    settings: { ...options, instances: 'shared' },
    notes: [...notes, `${why}, and all clients share it: --isolate none says so.`],
  }
}
