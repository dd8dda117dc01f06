/** `mcp-anywhere serve`: a server that was made for stdio, over HTTP from any number of instances. */
import { readGroup, type Settings } from '../../platform/environment.ts'
import type { Log } from '../../platform/log.ts'
import { listenWith } from '../../platform/node/listen.ts'
import { SERVE_SETTINGS } from '../../settings-serve.ts'
import { type Command, Failure } from '../command.ts'
import { readConfig } from '../config.ts'
import { loadEnvFile } from '../env-file.ts'
import { orFailure, settingsOf } from '../settings.ts'
import { programEnv } from './hide-settings.ts'
import { requireHooks } from './hook/install.ts'
import { isolateDispatcher } from './isolate/open.ts'
import { whyIsolated } from './look/choose.ts'
import { lookAt } from './look/look.ts'
import { readServeOptions, type ServeOptions } from './options.ts'
import { findProgram, type Program } from './program/find.ts'
import { serveShared } from './shared/serve.ts'

type Variables = Readonly<Record<string, string | undefined>>

export const command: Command = {
  usage: '[package or file] [--bin name] [--isolate session|none] [--open] [--wait 30] [--env NAME=value] [-- args]',
  summary: 'Serves a server that was made for stdio, as it is, over HTTP from any number of instances.',
  async run(args) {
    const folder = process.cwd()
    loadEnvFile(folder)
    const options = readServeOptions(command, args, (await readConfig(folder))?.config.serve)
    const program = findProgram(folder, options.named, options)
    const settings = settingsOf(process.env)
    requireOpen(settings, options)
    const env = programEnv(process.env, options.env)
    const why = await reasonToIsolate(program, options, env)
    if (why !== undefined) return serveIsolated(program, { folder, env, settings, options, why })
    const { wait, official, isolate } = options
    await serveShared({ program, wait, env, options: official, insists: isolate === 'none', settings })
  },
}

/** Why the program has a process for each session. Undefined: it runs in this process. @throws Failure */
async function reasonToIsolate(
  program: Program,
  { isolate, wait }: ServeOptions,
  env: Variables,
): Promise<string | undefined> {
  if (isolate === 'session') return '--isolate session says so'
  if (!program.isScript) {
    if (isolate === undefined) return 'Node does not run it'
    throw new Failure(`${program.name} is no program that Node runs, so it needs --isolate session.`)
  }
  requireHooks()
  return isolate === 'none' ? undefined : whyIsolated(await lookAt(program, { env, wait }))
}

interface Isolated {
  /** The working folder. */
  folder: string
  env: Variables
  settings: Settings
  options: ServeOptions
  why: string
}

async function serveIsolated(
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

/** Off loopback a server that was made for one person is open to nobody by mistake. @throws Failure */
function requireOpen({ openWarning, host }: Settings, { open, named }: ServeOptions): void {
  if (openWarning === undefined || open) return
  throw new Failure(`${named} is not served on HOST ${host}: ${openWarning} With such a gateway, say --open.`)
}
