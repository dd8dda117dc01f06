/** nginx as a load balancer for tests, in a process and a folder of its own. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ensureBinary } from '../support/global.ts'
import { freePort } from '../support/ports.ts'

export interface Nginx {
  url: URL
  /** The error log. */
  errors(): string
  stop(): Promise<void>
}

/** infra/nginx.conf with these addresses (host and port) in place of its own. */
export function deployed(instances: string[], port: number): string {
  const text = readFileSync(new URL('../../infra/nginx.conf', import.meta.url), 'utf8')
  // nginx before 1.27.3 has no `resolve`, and addresses need none.
  const [first = ''] = /( *server mcp-\d+:8080 resolve .*\n)+/.exec(text) ?? []
  return text
    .replace(first, instances.map((instance) => `    server ${instance} fail_timeout=2s;\n`).join(''))
    .replace('listen 8000;', `listen 127.0.0.1:${port};`)
}

/** The shortest configuration that works: for users who read no documentation. */
function bare(instances: string[], port: number): string {
  const servers = instances.map((instance) => `server ${instance};`).join(' ')
  return `upstream endpoint { ${servers} }
    server { listen 127.0.0.1:${port}; location / { proxy_pass http://endpoint; } }`
}

/** Writes the configuration for addresses (host and port) of instances, and for a port. */
export type Configure = (instances: string[], port: number) => string

export const configurations = { 'infra/nginx.conf': deployed, 'proxy_pass and nothing else': bare }

export async function startNginx(configure: Configure, instances: string[]): Promise<Nginx> {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-anywhere-nginx-'))
  const port = await freePort()
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  const file = join(folder, 'nginx.conf')
  const log = join(folder, 'error.log')
  writeFileSync(
    file,
    `pid ${folder}/pid; daemon off; worker_processes 1; error_log ${log};
    events { worker_connections 1024; }
    http {
      access_log off;
      ${temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join(' ')}
      ${configure(instances, port)}
    }`,
  )
  // Started as root, nginx would run as another user, who may not write to this folder.
  const user = process.getuid?.() === 0 ? ['-g', 'user root;'] : []
  const child = spawn(ensureBinary('nginx'), ['-e', log, '-p', folder, '-c', file, ...user], { stdio: 'ignore' })
  const die = () => child.kill('SIGKILL')
  process.once('exit', die)
  const errors = () => readFileSync(log, 'utf8')
  while (!(await accepts(port))) {
    if (child.exitCode !== null) throw new Error(`nginx ended with ${child.exitCode}: ${errors()}`)
    await sleep(20)
  }
  return {
    url: new URL(`http://127.0.0.1:${port}/mcp`),
    errors,
    async stop() {
      process.removeListener('exit', die)
      child.kill('SIGTERM')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Whether something listens on a port of 127.0.0.1. */
export function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}
