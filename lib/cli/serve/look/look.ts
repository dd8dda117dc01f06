/**
 * A look at a program before it is served: another process runs it, so that nothing of it is left here where the program turns out
 * to need a process for each session.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { systemClock } from '../../../base/clock.ts'
import { LATEST_SESSION_REVISION } from '../../../protocol/revisions.ts'
import { Failure } from '../../command.ts'
import { ENDING } from '../../own.ts'
import type { Program } from '../program/find.ts'
import { type Found, isFound } from './messages.ts'

/** How long the program may take to end after SIGTERM, in ms. */
const PATIENCE = 2_000
/** How long its last lines may take to arrive, in ms. */
const LAST_LINES = 200
/** Characters of its output that are kept. */
const KEPT = 4_000

/** A program whose server is captured does not read it. One that answers has the SDK inside, or speaks MCP by itself. */
const QUESTION = {
  jsonrpc: '2.0',
  id: 'mcp-anywhere-look',
  method: 'initialize',
  params: {
    protocolVersion: LATEST_SESSION_REVISION,
    capabilities: {},
    clientInfo: { name: 'mcp-anywhere', version: '0' },
  },
}

interface LookOptions {
  env: NodeJS.ProcessEnv
  /** How long the program may take until it connects, in ms. */
  wait: number
}

/**
 * Runs the program until it is known how it speaks to its client. The process has ended when this resolves.
 *
 * @throws Failure with one line for a program that ends before, and for one that does nothing of the kind
 */
export async function lookAt(program: Program, { env, wait }: LookOptions): Promise<Found> {
  const child = fork(join(import.meta.dirname, `child${ENDING}`), [program.file, ...program.args], {
    env,
    execArgv: process.execArgv.filter((arg) => !arg.startsWith('--inspect')),
    // stdin stays open.
    stdio: ['pipe', 'pipe', 'pipe', 'ipc'],
  })
  const output = lastOutput(child)
  const ended = endOf(child)
  const found = await Promise.race([finding(child, wait), ended])
  if (typeof found !== 'number' && typeof found !== 'string') {
    await end(child, ended)
    if (found) return found
    throw new Failure(notConnected(program.name, wait))
  }
  const printed = output()
  if (printed !== '') console.error(printed)
  throw new Failure(endedEarly(program.name, found))
}

/** Undefined: nothing is known of the program after `wait` ms. */
function finding(child: ChildProcess, wait: number): Promise<Found | undefined> {
  return new Promise((resolve) => {
    const late = systemClock.after(wait, () => resolve(undefined))
    child.once('exit', () => late.cancel())
    child.on('message', (message) => {
      if (isFound(message)) resolve(message)
    })
    if (child.stdout) {
      createInterface({ input: child.stdout }).on('line', (line) => {
        if (isAnswer(line)) resolve({ kind: 'speaker' })
      })
    }
    // The program may have ended.
    child.stdin?.on('error', () => {})
    child.stdin?.write(`${JSON.stringify(QUESTION)}\n`)
  })
}

function isAnswer(line: string): boolean {
  if (!line.includes(QUESTION.id)) return false
  try {
    const message: unknown = JSON.parse(line)
    return typeof message === 'object' && message !== null && 'id' in message && message.id === QUESTION.id
  } catch {
    return false
  }
}

/** Resolves with the exit code or the signal, when everything that the process wrote has arrived. */
function endOf(child: ChildProcess): Promise<number | string> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => {
      const how = signal ?? code ?? 1
      child.once('close', () => resolve(how))
      // A process that it has started may have its output.
      systemClock.after(LAST_LINES, () => resolve(how))
    })
  })
}

/** One line for a program that does not connect. */
export function notConnected(name: string, wait: number): string {
  return (
    `${name} runs, but has connected no server to stdio within ${wait / 1_000} s. Does it need arguments (after --) or ` +
    'variables? If it is only slow, say --wait with more seconds; if it speaks MCP on stdin in a way of its own, say ' +
    '--isolate session.'
  )
}

/** @param how the exit code, or the signal */
function endedEarly(name: string, how: number | string): string {
  const end = typeof how === 'number' ? `ended with code ${how}` : `was ended by ${how}`
  return `${name} ${end} before it connected a server to stdio. Does it need arguments (after --) or variables?`
}

/** What the program has printed, its end. */
function lastOutput({ stdout, stderr }: ChildProcess): () => string {
  let kept = ''
  for (const stream of [stdout, stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      kept = `${kept}${text}`.slice(-KEPT)
    })
  }
  return () => kept.trimEnd()
}

/** Ends the process. A program that has started others ends them on SIGTERM. */
async function end(child: ChildProcess, ended: Promise<unknown>): Promise<void> {
  child.kill('SIGTERM')
  const late = systemClock.after(PATIENCE, () => child.kill('SIGKILL'))
  await ended
  late.cancel()
}
