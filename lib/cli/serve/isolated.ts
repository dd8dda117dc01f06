/** Serves a program that has a process for each session. */
import { readGroup, type Settings } from '../../platform/environment.ts'
import type { Log } from '../../platform/log.ts'
import { listenWith } from '../../platform/node/listen.ts'
import { SERVE_SETTINGS } from '../../settings-serve.ts'
import { Failure } from '../command.ts'
import { orFailure } from '../settings.ts'
import { isolateDispatcher } from './isolate/open.ts'
import type { ServeOptions } from './options.ts'
import type { Program } from './program/find.ts'

interface Isolated {
  /** The working folder. */
  folder: string
  env: Readonly<Record<string, string | undefined>>
  settings: Settings
  options: ServeOptions
  why: string
}

/** Resolves when it listens. @throws Failure for an option that processes of their own cannot have */
export async function serveIsolated(
  { name, file, args, isScript }: Program,
  { folder, env, settings, options, why }: Isolated,
): Promise<void> {
  const bounds = orFailure(() => readGroup(process.env, SERVE_SETTINGS.serve))
  const { tools, ...others } = options.official
  const [given] = Object.entries(others).find(([, value]) => value !== undefined) ?? []
  if (given !== undefined) {
    throw new Failure(
      `"${given}" is for programs that run in the process of the endpoint, and ${name} has a process for each session: ${why}.`,
    )
  }
  const own = isScript ? { command: process.execPath, args: [file, ...args] } : { command: file, args }
  let log: Log | undefined
  const server = isolateDispatcher({
    ...bounds,
    ...own,
    name,
    cwd: folder,
    env,
    tools,
    log: (line, session) => log?.say('INFO', line, session === '' ? {} : { session }),
  })
  await listenWith(server, {
    settings,
    notes: [`${name} has a process for each session: ${why}.`],
    logged(opened) {
      log = opened
    },
  })
}
