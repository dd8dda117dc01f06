#!/usr/bin/env node
/** `mcp-anywhere`: the commands. Each is loaded when it is used. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Command, Failure, orExit } from './command.ts'
import { paragraph } from './paragraph.ts'

const COMMANDS: Record<string, () => Promise<{ command: Command }>> = {
  dev: () => import('./dev/command.ts'),
  start: () => import('./start/command.ts'),
  serve: () => import('./serve/command.ts'),
  build: () => import('./build/command.ts'),
  check: () => import('./check/command.ts'),
  connect: () => import('./connect/command.ts'),
  instances: () => import('./admin/instances.ts'),
  sessions: () => import('./admin/sessions.ts'),
  calls: () => import('./admin/calls.ts'),
  tasks: () => import('./admin/tasks.ts'),
}

async function help(): Promise<string> {
  const rows = await Promise.all(
    Object.entries(COMMANDS).map(async ([name, load]) => {
      const { usage, summary } = (await load()).command
      return [`  mcp-anywhere ${name} ${usage}`, ...paragraph(summary, '      ')].join('\n')
    }),
  )
  return `Usage:\n\n${rows.join('\n\n')}`
}

/** The version of the package that this file belongs to. */
function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'))
  return (manifest as { version: string }).version
}

async function run([name, ...args]: string[]): Promise<void> {
  if (name === '--version' || name === '-v') return console.log(version())
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') return console.log(await help())
  const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (load === undefined) {
    throw new Failure(`There is no command "${name}". There are ${Object.keys(COMMANDS).join(', ')}; see --help.`)
  }
  const { command } = await load()
  if (args.includes('--help') || args.includes('-h')) {
    return console.log(`Usage: mcp-anywhere ${name} ${command.usage}\n\n${paragraph(command.summary, '').join('\n')}`)
  }
  await command.run(args)
}

await orExit(() => run(process.argv.slice(2)))
