/** Stages as osls packages them for AWS, without an account and without a network. */
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bundle, root } from '../../tools/build.ts'
import type { Template } from './template.ts'

/** The file of a stage that has every parameter of AWS that goes with the others. */
export const EVERYTHING = `
domain: mcp.example.com
certificate: arn:aws:acm:us-east-1:123456789012:certificate/abc-def
headerFunction: arn:aws:lambda:us-east-1:123456789012:function:mcp-anywhere-header:1
authIssuer: https://auth.example.com
authAudience: https://mcp.example.com/mcp
allowedHosts: mcp.example.com
concurrency: 200
throttleRate: 100
throttleBurst: 150
canary: Canary10Percent5Minutes
tracing: true
tasks: true
ipv4: true
alarmEmail: ops@example.com
budget: 50
cache: serverless
cacheUser: b
secrets: 2
environment: { REDIS_PREFIX: notes }`

/** Removes the network of a process, where the system can; elsewhere the process gets a proxy that does not exist. */
const offline = spawnSync('unshare', ['-rn', 'true']).status === 0 ? ['unshare', '-rn'] : []

const NO_PROXY = 'http://127.0.0.1:9'

export interface Packaging {
  /** Where the project is, and what was packaged. */
  readonly folder: string
  /**
   * What osls makes of the file of a stage.
   *
   * @param params the text of the file
   * @param name of a folder for what is packaged, below `folder`
   */
  rendered(params: string, name: string): Template
  remove(): void
}

/** The project in a folder of its own, because other tests build too, with the bundle of a small server. */
export async function packaging(): Promise<Packaging> {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-anywhere-package-'))
  for (const name of ['serverless.yml', 'infra']) cpSync(join(root, name), join(folder, name), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  await bundle({ server: join(root, 'test/fixtures/small.ts'), out: join(folder, 'dist') })
  return {
    folder,
    rendered: (params, name) => {
      writeFileSync(join(folder, 'infra/aws/stages/prod.yml'), params)
      const out = join(folder, name)
      const osls = join(root, 'node_modules/osls/bin/serverless.js')
      const [command = '', ...args] = [...offline, process.execPath, osls, 'package', '--package', out]
      const { PATH, NODE_COMPILE_CACHE } = process.env
      execFileSync(command, args, {
        cwd: folder,
        // Neither the variables nor the home folder have credentials.
        env: { PATH, NODE_COMPILE_CACHE, HOME: folder, HTTPS_PROXY: NO_PROXY, HTTP_PROXY: NO_PROXY },
        stdio: 'pipe',
      })
      return JSON.parse(readFileSync(join(out, 'cloudformation-template-update-stack.json'), 'utf8')) as Template
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
