/** Runs a program in this process until it connects a server to stdio. */

import { warning } from '../../../base/errors.ts'
import type { Captured } from '../hook/capture.ts'
import { installHook } from '../hook/install.ts'
import { notConnected } from '../look/look.ts'
import { runProgram, settled } from '../program/run.ts'
import type { SharedParts } from './dispatcher.ts'

type FirstParts = Pick<SharedParts, 'program' | 'wait' | 'env' | 'guard' | 'report'>

/**
 * @returns the first server, or the function that makes servers, when the program has gone on after its connect
 * @throws TypeError with one line for a program that does not connect a server
 */
export async function firstServer({ program, wait, env, guard, report }: FirstParts): Promise<Captured> {
  const { promise, resolve, reject } = Promise.withResolvers<Captured>()
  let first: Captured | undefined
  installHook({
    captured(captured) {
      if (first) return report(oneMore(program.name))
      first = captured
      resolve(captured)
    },
    usedAlone: () => reject(new TypeError(usesAlone(program.name))),
  })
  guard.begin()
  replaceEnv(env)
  // It keeps the process alive, which the program may not do.
  const late = setTimeout(() => reject(new TypeError(notConnected(program.name, wait))), wait)
  try {
    run(program)
    const captured = await promise
    await settled()
    if (captured.kind === 'server') captured.release()
    return captured
  } finally {
    clearTimeout(late)
  }
}

/** What the program throws while it is loaded is an exception that nobody catches, as it is for Node. */
function run(program: FirstParts['program']): void {
  try {
    runProgram(program)
  } catch (error) {
    process.nextTick(() => {
      throw error
    })
  }
}

function replaceEnv(env: FirstParts['env']): void {
  for (const name of Object.keys(process.env)) if (env[name] === undefined) delete process.env[name]
  for (const [name, value] of Object.entries(env)) if (value !== undefined) process.env[name] = value
}

function usesAlone(name: string): string {
  return `${name} uses the stdio transport without a server of the SDK, so it needs a process for each session: --isolate session.`
}

function oneMore(name: string): Error {
  return warning(`${name} connects a second server to stdio. Only its first one is served.`)
}
