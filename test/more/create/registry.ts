/** An npm registry on loopback, which has the packages that are published to it and passes others on from the machine's own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { freePort } from '../../support/ports.ts'
import { installed } from '../support/installed.ts'
import { npm } from '../support/npm.ts'

export interface Registry {
  /** Without a slash at its end. */
  url: string
  stop(): Promise<void>
}

/**
 * Starts verdaccio.
 *
 * @param folder for its files; whoever calls removes it after the end
 * @param names the packages that are published here, and that the registry of the machine is not asked for
 */
export async function startRegistry(folder: string, names: readonly string[]): Promise<Registry> {
  mkdirSync(folder, { recursive: true })
  const setting = async (name: string) => (await npm(folder, 'config', 'get', name)).trim()
  const [tools, url, cafile, port] = await Promise.all([
    installed('create'),
    setting('registry'),
    setting('cafile'),
    freePort(),
  ])
  const config = {
    storage: join(folder, 'storage'),
    uplinks: { machine: { url, maxage: '1h' } },
    packages: {
      ...Object.fromEntries(names.map((name) => [name, { access: '$all', publish: '$all' }])),
      '**': { access: '$all', proxy: 'machine' },
    },
    auth: { htpasswd: { file: join(folder, 'htpasswd'), max_users: -1 } },
    web: { enable: false },
    log: { type: 'stdout', format: 'json', level: 'warn' },
    middlewares: {},
  }
  // JSON is YAML.
  writeFileSync(join(folder, 'verdaccio.yaml'), JSON.stringify(config))
  const program = join(tools, 'node_modules/verdaccio/bin/verdaccio')
  const args = [program, '--config', join(folder, 'verdaccio.yaml'), '--listen', `http://127.0.0.1:${port}`]
  // npm may trust authorities that Node does not know.
  const env = { ...process.env, ...(cafile !== 'null' && { NODE_EXTRA_CA_CERTS: cafile }) }
  const child = spawn(process.execPath, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] })
  const die = () => child.kill('SIGKILL')
  process.once('exit', die)
  child.once('exit', () => process.removeListener('exit', die))
  await listening(child)
  return {
    url: `http://127.0.0.1:${port}`,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGTERM')
      await once(child, 'exit')
    },
  }
}

/** Resolves with the line that names the address. */
function listening(child: ChildProcess): Promise<void> {
  const output: string[] = []
  return new Promise((resolve, reject) => {
    for (const input of [child.stdout, child.stderr]) {
      if (input === null) continue
      createInterface({ input }).on('line', (line) => {
        output.push(line)
        if (/http address/i.test(line)) resolve()
      })
    }
    child.once('exit', (code) => reject(new Error(`The registry ended with ${code}:\n${output.join('\n')}`)))
  })
}
