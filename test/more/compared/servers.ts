/** The servers that are compared, as processes. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { root } from '../../../tools/build.ts'
import { freePort } from '../../support/ports.ts'
import { installed } from '../support/installed.ts'

/** A folder with the servers, which find the packages of the check and this one. Whoever calls removes it. */
export async function layOut(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-anywhere-compared-'))
  cpSync(join(import.meta.dirname, 'project'), folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n')
  await linkPackages(folder)
  return folder
}

async function linkPackages(folder: string): Promise<void> {
  const packages = join(await installed('migrate'), 'node_modules')
  const here = join(folder, 'node_modules')
  cpSync(packages, here, { recursive: true, filter: (from) => from === packages })
  for (const name of readdirSync(packages)) {
    if (!name.startsWith('.')) symlinkSync(join(packages, name), join(here, name))
  }
  symlinkSync(root, join(here, 'mcp-anywhere'))
}

/** Starts a server of the folder on a port of its own. @throws Error with its output, where it ends at once */
export async function start(cwd: string, program: string, env: Record<string, string>) {
  const PORT = String(await freePort())
  const args = ['--disable-warning=ExperimentalWarning', join(cwd, program)]
  const child: ChildProcess = spawn(process.execPath, args, {
    cwd,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env, PORT },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const lines: string[] = []
  const listening = new Promise<void>((resolve) => {
    for (const input of [child.stdout, child.stderr]) {
      if (input === null) continue
      createInterface({ input }).on('line', (line) => {
        lines.push(line)
        // FastMCP names the address once more before it listens there.
        if (/^(?:MCP endpoint +)?http:\/\//.test(line)) resolve()
      })
    }
  })
  const ended = once(child, 'exit').then(() => {
    throw new Error(`${program} ended:\n${lines.join('\n')}`)
  })
  ended.catch(() => {})
  await Promise.race([listening, ended])
  return { child, url: `http://127.0.0.1:${PORT}` }
}
