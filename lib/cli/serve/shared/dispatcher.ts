/** The dispatcher of a program that runs in this process. The program starts when the dispatcher is opened. */
import { type OfficialFactory, type OfficialServer, officialDispatcher } from '../../../sdk/official.ts'
import type { OfficialOptions } from '../../../sdk/options.ts'
import { clientState, lowLevelOf } from '../../../sdk/private.ts'
import type { Dispatcher } from '../../../server/dispatcher.ts'
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
  const { options, guard, reports } = parts
  let notes: readonly string[] = []
  const dispatcher = officialDispatcher(options, async () => {
    // The process first gets its own listeners to signals, in the turn in which the endpoint is made.
    await new Promise((resolve) => setImmediate(resolve))
    const chosen = serverOf(await firstServer(parts), parts)
    notes = chosen.notes
    return [chosen.server, chosen.settings]
  })
  return {
    ...dispatcher,
    async open(completed) {
      try {
        const opened = await dispatcher.open?.(completed)
        return [...notes, ...(opened ?? [])]
      } catch (error) {
        guard.giveBack()
        throw error
      }
    },
    reportTo(report) {
      reports.add(report)
      dispatcher.reportTo?.(report)
    },
    close: () => guard.finish(),
  }
}

interface Chosen {
  server: OfficialServer | OfficialFactory
  settings: OfficialOptions
  /** Sentences for the log of the start. */
  notes: string[]
}

/** @throws TypeError for a server that keeps the state of one client, where nobody insists */
function serverOf(captured: Captured, { program, options, insists }: SharedParts): Chosen {
  const { name, version } = captured.sdk
  const notes = [`${program.name} runs in this process, with ${name} ${version}.`]
  if (captured.custom) {
    notes.push(`The transport that ${program.name} has around stdio is left out: --isolate none says so.`)
  }
  if (captured.kind === 'factory') return { server: captured.factory, settings: options, notes }
  const { server } = captured
  const low = lowLevelOf(server)
  const state = low && clientState(low)
  if (state === undefined || options.instances !== undefined) return { server, settings: options, notes }
  const why = `The server of ${program.name} ${state}, so it keeps the state of one client`
  if (!insists)
    throw new TypeError(`${why}. Say --isolate session, or --isolate none, with which all clients share it.`)
  return {
    server,
    settings: { ...options, instances: 'shared' },
    notes: [...notes, `${why}, and all clients share it: --isolate none says so.`],
  }
}
