/** `mcp-anywhere serve`: a server that was made for stdio, over HTTP from any number of instances. */
import type { Settings } from '../../platform/environment.ts'
import { type Command, Failure } from '../command.ts'
import { readConfig } from '../config.ts'
import { loadEnvFile } from '../env-file.ts'
import { settingsOf } from '../settings.ts'
import { programEnv } from './hide-settings.ts'
import { requireHooks } from './hook/install.ts'
import { whyIsolated } from './look/choose.ts'
import { lookAt } from './look/look.ts'
import { readServeOptions, type ServeOptions } from './options.ts'
import { findProgram, type Program } from './program/find.ts'

type Variables = Readonly<Record<string, string | undefined>>

export const command: Command = {
  usage: '[package or file] [--bin name] [--isolate session|none] [--open] [--wait 60] [--env NAME=value] [-- args]',
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
    if (why !== undefined) {
      const { serveIsolated } = await import('./isolated.ts')
      return serveIsolated(program, { folder, env, settings, options, why })
    }
    const { wait, official, isolate } = options
    const { serveShared } = await import('./shared/serve.ts')
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

/** Off loopback a server that was made for one person is open to nobody by mistake. @throws Failure */
function requireOpen({ openWarning, host }: Settings, { open, named }: ServeOptions): void {
  if (openWarning === undefined || open) return
  throw new Failure(`${named} is not served on HOST ${host}: ${openWarning} With such a gateway, say --open.`)
}
