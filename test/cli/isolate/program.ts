/** The program of these tests, in processes of an endpoint in this process. */
import { join } from 'node:path'
import { isolateDispatcher } from '../../../lib/cli/serve/isolate/open.ts'
import type { IsolateOptions } from '../../../lib/cli/serve/isolate/types.ts'
import type { Dispatcher } from '../../../lib/server/dispatcher.ts'
import { eventually } from '../../support/eventually.ts'

/** @param mode see program.mjs */
export function program(options: Partial<IsolateOptions> = {}, mode = ''): Dispatcher {
  return isolateDispatcher({
    command: process.execPath,
    args: [join(import.meta.dirname, 'program.mjs'), mode],
    cwd: import.meta.dirname,
    env: process.env,
    name: 'the program',
    log: () => {},
    ...options,
  })
}

export function lives(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** Resolves when the process is gone. */
export async function ended(pid: number): Promise<void> {
  await eventually(async () => !lives(pid) || undefined)
}

/** The value of a tool's text: parsed where it is JSON. */
// biome-ignore lint/suspicious/noExplicitAny: results of every shape
export function valueIn(text: string): any {
  return /^[[{"]/.test(text) ? JSON.parse(text) : text
}
