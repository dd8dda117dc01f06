/** Starts the process of a session: the child, its first messages, and what it has to know of the session. */

import { warning } from '../../../base/errors.ts'
import { isLoggingLevel } from '../../../protocol/types.ts'
import type { Instance } from '../../../runtime/instance.ts'
import type { ClientState } from '../../../sdk/private.ts'
import type { ServeOptions } from '../../../settings-serve.ts'
import type { Guard } from '../../dev/guard.ts'
import { PrincipalStream, SessionStream } from './outside.ts'
import type { Place, Started } from './place.ts'
import { Child } from './process/child.ts'
import type { Program } from './process/program.ts'
import type { Receiver } from './process/receiver.ts'
import { ServerProcess } from './process/server-process.ts'
import type { IsolateOptions } from './types.ts'

/** Characters of the last line of stderr that an error quotes. */
const MAX_QUOTED = 300

export interface Starter {
  program: Program & Pick<IsolateOptions, 'log'>
  bounds: ServeOptions
  name: string
  guard: Guard
  /** The children that are not gone yet. */
  children: Set<Child>
  report(error: Error): void
}

interface Spawned {
  child: Child
  process: ServerProcess
  /** The last line that it wrote to stderr. */
  lastLine(): string
}

/**
 * Starts a process for a client. Its {@link ServerProcess.ready} says when it can take requests.
 *
 * @param session the session in the log; empty: it is not that of a session
 */
export function spawnFor(
  { program, bounds, name, guard, children, report }: Starter,
  client: ClientState,
  session: string,
  outside: Receiver,
  asksAtStart = true,
): Spawned {
  const heard = new Set<string>()
  const { log = logLine } = program
  const of = session === '' ? '' : ` of session ${session}`
  let last = ''
  const child = new Child({
    program,
    maxLine: bounds.maxMessage,
    guard,
    message: (message) => process.receive(message),
    noise(kind) {
      if (kind === 'long' && !process.lostLine()) void child.end(0)
      if (heard.has(kind)) return
      heard.add(kind)
      const what =
        kind === 'text'
          ? 'text that is no message'
          : `a line of more than ${bounds.maxMessage} bytes (MAX_PROCESS_MESSAGE_BYTES)`
      report(warning(`${name}${of} wrote ${what} to stdout. It was dropped, as all of this kind are.`))
    },
    log(line) {
      last = line
      log(line, session)
    },
  })
  children.add(child)
  void child.gone.then(() => children.delete(child))
  const process = new ServerProcess(child, { client, outside, asksAtStart, patience: bounds.start })
  return { child, process, lastLine: () => last.slice(0, MAX_QUOTED) }
}

/** Starts the process of a place. */
export async function startFor(
  starter: Starter,
  instance: Instance,
  completed: (elicitationId: string) => Promise<unknown>,
  { tenant }: Place,
): Promise<Started> {
  const { key, client, isPrincipal, principal } = tenant
  if (isPrincipal) {
    const stream = new PrincipalStream(instance, principal)
    const { child, process } = spawnFor(starter, client, key, stream, false)
    return { child, process, setLevel() {} }
  }
  const [row, uris] = await Promise.all([
    instance.store.readSession(key, undefined, instance.options.maxLifetime),
    instance.store.subscriptions(key),
  ])
  const stream = new SessionStream({ instance, key, completed, another: () => process.newest })
  const setLevel = (level: unknown) => {
    if (isLoggingLevel(level)) stream.level = level
  }
  const { child, process } = spawnFor(starter, client, key, stream)
  setLevel(row?.level)
  if (row?.level !== undefined) void process.setLevel(row.level).catch(() => {})
  for (const uri of uris) void process.subscribe(uri).catch(() => {})
  return { child, process, setLevel }
}

function logLine(line: string, session: string): void {
  console.error(session === '' ? line : `[${session}] ${line}`)
}
