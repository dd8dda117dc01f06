/** The load balancers whose configurations are in infra/, each as a process with addresses of a test. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { accepts, deployed, startNginx } from '../../deploy/nginx.ts'
import { ensureBinary } from '../../support/global.ts'
import { freePort } from '../../support/ports.ts'

export interface Balancer {
  /** The endpoint behind it. */
  url: URL
  /** What it has written about requests that failed. */
  errors(): string
  stop(): Promise<void>
}

/** Instances that are found by the names mcp-1, mcp-2 and mcp-3. */
export interface Named {
  /** Host and port of the name server. */
  resolver: string
  /** The port of every instance. */
  port: number
}

export interface Kind {
  name: string
  /** The file, as it is deployed. */
  file: string
  /** @param instances host and port of each, or their names. @param change changes the text of the file, too */
  start(instances: string[] | Named, change?: (text: string) => string): Promise<Balancer>
  /** Shortens the time after which a silent connection is closed, where it has one, to this many seconds. */
  impatient(text: string, seconds: number): string
}

const infra = (name: string) => readFileSync(new URL(`../../../infra/${name}`, import.meta.url), 'utf8')
const same = (text: string) => text

/** @throws Error where nothing is replaced */
export function replaced(text: string, from: string | RegExp, to: string): string {
  const result = typeof from === 'string' ? text.replaceAll(from, to) : text.replace(from, to)
  if (result === text) throw new Error(`There is no ${from} in:\n${text}`)
  return result
}

/** The servers of the file, each with its names, or these addresses in place of all. `line` makes the text of one. */
function withServers(text: string, servers: RegExp, instances: string[] | Named, line: (at: string) => string): string {
  if (!Array.isArray(instances)) return replaced(text, /(mcp-\d):8080/g, `$1:${instances.port}`)
  const [first = ''] = servers.exec(text) ?? []
  return replaced(text, first, instances.map(line).join(''))
}

/** Whether the nginx here follows names, as infra/nginx.conf needs it. */
function resolves(): boolean {
  const { stderr } = spawnSync(ensureBinary('nginx'), ['-v'], { encoding: 'utf8' })
  const [major = 0, minor = 0, patch = 0] = (/\d+\.\d+\.\d+/.exec(stderr)?.[0] ?? '').split('.').map(Number)
  return major * 1e6 + minor * 1e3 + patch >= 1_027_003
}

/**
 * What an older nginx has in place of `resolve`: a variable in `proxy_pass`, whose name is looked up again when its time is
 * over. One name has the addresses of all instances then, and connections to instances are not kept.
 */
function byVariable(text: string, port: number): string {
  const without = replaced(text, /upstream endpoint \{[\s\S]*?\n\}\n/, '')
  return replaced(without, 'proxy_pass http://endpoint;', `set $instances mcp; proxy_pass http://$instances:${port};`)
}

const nginx: Kind = {
  name: 'nginx',
  file: 'nginx.conf',
  start: (instances, change = same) =>
    startNginx(
      (addresses, port) => {
        if (Array.isArray(instances)) return change(deployed(addresses, port))
        const text = replaced(infra('nginx.conf'), '127.0.0.11', instances.resolver)
        const follows = resolves() ? withServers(text, /$^/, instances, String) : byVariable(text, instances.port)
        return change(replaced(follows, 'listen 8000;', `listen 127.0.0.1:${port};`))
      },
      Array.isArray(instances) ? instances : [],
    ),
  impatient: (text, seconds) =>
    replaced(text, 'proxy_http_version 1.1;', `proxy_http_version 1.1; proxy_read_timeout ${seconds}s;`),
}

const haproxy: Kind = {
  name: 'HAProxy',
  file: 'haproxy.cfg',
  async start(instances, change = same) {
    const port = await freePort()
    let text = withServers(
      infra('haproxy.cfg'),
      /( *server mcp-.*\n)+/,
      instances,
      (at) => `    server s${at.replace(/\W/g, '-')} ${at}\n`,
    )
    if (!Array.isArray(instances)) text = replaced(text, '127.0.0.11:53', instances.resolver)
    text = replaced(text, 'bind :8000', `bind 127.0.0.1:${port}`)
    return startProgram('haproxy', (file) => ['-db', '-f', file], change(text), port)
  },
  impatient: (text, seconds) => replaced(text, /timeout (client|server) 60s/g, `timeout $1 ${seconds}s`),
}

const caddy: Kind = {
  name: 'Caddy',
  file: 'Caddyfile',
  async start(instances, change = same) {
    const port = await freePort()
    const addresses = Array.isArray(instances)
      ? instances.join(' ')
      : [1, 2, 3].map((n) => `mcp-${n}:${instances.port}`).join(' ')
    let text = replaced(infra('Caddyfile'), 'mcp-1:8080 mcp-2:8080 mcp-3:8080', addresses)
    // Containers have the name server of Docker in /etc/resolv.conf.
    if (!Array.isArray(instances)) {
      text = replaced(
        text,
        '\t\thealth_uri',
        `\t\ttransport http {\n\t\t\tresolvers udp/${instances.resolver}\n\t\t}\n\t\thealth_uri`,
      )
    }
    text = `{\n\tadmin off\n\tauto_https off\n}\n${replaced(text, ':8000', `http://127.0.0.1:${port}`)}`
    return startProgram('caddy', (file) => ['run', '--adapter', 'caddyfile', '--config', file], change(text), port)
  },
  // Caddy has no such time.
  impatient: same,
}

export const KINDS: readonly Kind[] = [nginx, haproxy, caddy]

async function startProgram(
  name: 'haproxy' | 'caddy',
  args: (file: string) => string[],
  text: string,
  port: number,
): Promise<Balancer> {
  const folder = mkdtempSync(join(tmpdir(), `mcp-anywhere-${name}-`))
  const file = join(folder, name)
  writeFileSync(file, text)
  const env = { PATH: process.env.PATH, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder }
  const child = spawn(ensureBinary(name), args(file), { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data) => (output = (output + data).slice(-10_000)))
  const die = () => child.kill('SIGKILL')
  process.once('exit', die)
  while (!(await accepts(port))) {
    if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}:\n${output}\n${text}`)
    await sleep(20)
  }
  return {
    url: new URL(`http://127.0.0.1:${port}/mcp`),
    errors: () => output,
    async stop() {
      process.removeListener('exit', die)
      child.kill('SIGKILL')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
