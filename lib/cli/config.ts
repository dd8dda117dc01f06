/** The settings of a project, its server and what `serve` serves: `mcp.config.ts`, or a member of package.json. */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { McpConfig, ServeConfig } from '../mcp-config.ts'
import { Failure } from './command.ts'
import { bundledText } from './esbuild.ts'

const FILES = ['mcp.config.ts', 'mcp.config.mts', 'mcp.config.js', 'mcp.config.mjs']
const MEMBER = 'mcp-anywhere'

interface Read {
  config: McpConfig
  /** Where it was read, for errors. */
  source: string
}

/**
 * The settings of the project in `folder`; undefined where it has none. Exported for tests.
 *
 * @throws Failure for two settings, and for one that cannot be read
 */
export async function readConfig(folder: string): Promise<Read | undefined> {
  const files = FILES.filter((name) => existsSync(join(folder, name)))
  const member = readMember(folder)
  const [first, second] = [...files, ...(member === undefined ? [] : [`package.json ("${MEMBER}")`])]
  if (second !== undefined) throw new Failure(`${first} and ${second} both have settings. Remove one of them.`)
  if (first === undefined) return undefined
  const given = member ?? (await load(join(folder, first)))
  return { config: checked(given, first), source: first }
}

/**
 * The file of the server: the one that the command line names, else the one of the settings.
 *
 * @param named relative to `folder`
 * @returns an absolute path
 * @throws Failure where neither has one, and for a file that does not exist
 */
export async function serverFile(folder: string, named?: string): Promise<string> {
  const read = named === undefined ? await readConfig(folder) : undefined
  const file = named ?? read?.config.server
  if (file === undefined) {
    throw new Failure(
      `Which file has the server? Name it after the command, or in package.json: "${MEMBER}": { "server": "src/server.ts" }.`,
    )
  }
  const path = resolve(folder, file)
  if (!existsSync(path)) {
    throw new Failure(read ? `${read.source}: there is no ${file}, which "server" names.` : `There is no ${file}.`)
  }
  return path
}

function readMember(folder: string): unknown {
  const file = join(folder, 'package.json')
  if (!existsSync(file)) return undefined
  try {
    return (JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>)[MEMBER]
  } catch (error) {
    throw new Failure(`package.json is not JSON: ${(error as Error).message}.`)
  }
}

/** The default export. TypeScript is bundled first, because not every Node runs it. */
async function load(file: string): Promise<unknown> {
  const url = /ts$/.test(file)
    ? `data:text/javascript,${encodeURIComponent(await bundledText(file))}`
    : `${pathToFileURL(file).href}?${statSync(file).mtimeMs}`
  try {
    return ((await import(url)) as { default?: unknown }).default
  } catch (error) {
    throw new Failure(`${basename(file)} fails: ${(error as Error).message}`)
  }
}

function checked(given: unknown, source: string): McpConfig {
  if (typeof given !== 'object' || given === null) {
    const form = source.startsWith('mcp')
      ? `export default { server: 'src/server.ts' }`
      : '{ "server": "src/server.ts" }'
    throw new Failure(`${source} must have an object with the file of the server: ${form}.`)
  }
  const { server, serve, ...others } = given as Record<string, unknown>
  const [unknown] = Object.keys(others)
  if (unknown !== undefined) {
    throw new Failure(`${source}: "${unknown}" is no setting; there are "server" and "serve".`)
  }
  const isServer = typeof server === 'string' && server !== ''
  if (!isServer && (server !== undefined || serve === undefined)) {
    throw new Failure(`${source}: "server" must be the file of the server, such as "src/server.ts".`)
  }
  const config: McpConfig = {}
  if (isServer) config.server = server
  if (serve !== undefined) config.serve = serveConfig(serve, source)
  return config
}

/** The members of {@link ServeConfig}, and what they are. Those of servers of the official SDK are checked when one is opened. */
const SERVE_MEMBERS: Readonly<Record<keyof ServeConfig, readonly [what: string, is: (value: unknown) => boolean]>> = {
  package: ['the name of a package, or a file', isText],
  args: ['a list of texts', (value) => Array.isArray(value) && value.every(isText)],
  bin: ['the name of a program', isText],
  env: [
    'an object of texts',
    (value) => isRecord(value) && Object.values(value).every((text) => typeof text === 'string'),
  ],
  isolate: ['"session" or "none"', (value) => value === 'session' || value === 'none'],
  open: ['true or false', (value) => typeof value === 'boolean'],
  wait: ['a number of seconds', (value) => typeof value === 'number'],
  instances: ['"shared", "session", "call" or a function', (value) => isText(value) || typeof value === 'function'],
  attribution: ['"context" or "strict"', isText],
  tools: ['an object of options by the name of the tool', isRecord],
}

function serveConfig(given: unknown, source: string): ServeConfig {
  const refuse = (member: string, what: string): never => {
    throw new Failure(`${source}: ${member} must be ${what}.`)
  }
  if (!isRecord(given))
    return refuse('"serve"', 'an object with the package: { "package": "@modelcontextprotocol/server-memory" }')
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(SERVE_MEMBERS, name)) {
      const known = Object.keys(SERVE_MEMBERS).join(', ')
      throw new Failure(`${source}: "serve" has no member "${name}"; there are ${known}.`)
    }
    const [what, is] = SERVE_MEMBERS[name as keyof ServeConfig]
    if (value !== undefined && !is(value)) refuse(`"${name}" of "serve"`, what)
  }
  return isText(given.package)
    ? { ...given, package: given.package }
    : refuse('"package" of "serve"', SERVE_MEMBERS.package[0])
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
