/** Serves a program from this process: all clients use its server, or the servers that its function makes. */
import type { Settings } from '../../../platform/environment.ts'
import { exit } from '../../../platform/node/exit.ts'
import { listenWith } from '../../../platform/node/listen.ts'
import { Guard } from '../guard/guard.ts'
import { type SharedParts, sharedDispatcher } from './dispatcher.ts'

interface ServeParts extends Pick<SharedParts, 'program' | 'wait' | 'env' | 'options' | 'insists'> {
  settings: Settings
}

/** Resolves when the process serves. */
export async function serveShared({ settings, ...parts }: ServeParts): Promise<void> {
  const reports = new Set<(error: Error) => void>()
  const report = (error: Error) => {
    for (const each of reports) each(error)
  }
  let end = () => {}
  const guard = new Guard({ name: parts.program.name, report, end: () => end(), fail })
  end = await listenWith(sharedDispatcher({ ...parts, guard, report, reports }), { settings, out: guard.stdout })
  guard.serving()
}

/** Ends the start. */
function fail(line: string): never {
  console.error(line)
  exit(1)
}
