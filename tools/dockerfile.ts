/** Executes the steps of a project's infra/Dockerfile, where no Docker engine runs. */
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { basename, join, relative, resolve, sep } from 'node:path'

export const FILE = 'infra/Dockerfile'

interface Step {
  word: string
  rest: string
}

/** The state of a stage after its steps. */
export interface Stage {
  /** The folder that stands for `/` of the image. */
  root: string
  workdir: string
  env: Record<string, string>
  healthcheck: string[] | undefined
  command: string[] | undefined
}

/** The instructions of a Dockerfile, with continued lines joined. */
export function readSteps(text: string): Step[] {
  const joined = text.replace(/^\s*(#.*)?\n/gm, '').replace(/\\\n\s*/g, ' ')
  const lines = joined.trim().split('\n')
  return lines.map((line) => {
    const [, word = '', rest = ''] = /^(\w+)\s+(.*)$/.exec(line) ?? []
    return { word: word.toUpperCase(), rest }
  })
}

interface RunOptions {
  /** The folder from which the image is built. */
  project: string
  /** For the stages: an empty one, or one that does not exist. */
  folder: string
  /** Gets a line for each step. */
  say: (line: string) => void
  /** Beside the variables of this process. */
  env?: NodeJS.ProcessEnv
}

/** Executes the steps of a project's Dockerfile. Returns the last stage. @throws Error for a step that fails */
export function runSteps(options: RunOptions): Stage {
  const { project, folder, say } = options
  const steps = readSteps(readFileSync(join(project, FILE), 'utf8'))
  const stages = new Map<string, Stage>()
  let stage: Stage | undefined
  for (const step of steps) {
    const { word, rest } = step
    say(`${word} ${rest}`)
    if (word === 'FROM') {
      const [image = '', , name = 'last'] = rest.split(/\s+/)
      requireNode(image)
      stage = { root: join(folder, name), workdir: '/', env: {}, healthcheck: undefined, command: undefined }
      mkdirSync(stage.root, { recursive: true })
      stages.set(name, stage)
    } else if (!stage) throw new Error(`${FILE} does not begin with FROM.`)
    else execute(stage, stages, step, options)
  }
  if (!stage?.command) throw new Error(`${FILE} has no CMD.`)
  return stage
}

function execute(stage: Stage, stages: Map<string, Stage>, { word, rest }: Step, options: RunOptions): void {
  const { project, say } = options
  const here = join(stage.root, stage.workdir)
  if (word === 'WORKDIR') {
    stage.workdir = resolve(stage.workdir, rest)
    mkdirSync(join(stage.root, stage.workdir), { recursive: true })
  } else if (word === 'ENV') {
    for (const [, name = '', value = ''] of rest.matchAll(/(\w+)=(\S+)/g)) stage.env[name] = value
  } else if (word === 'COPY') {
    const words = rest.split(/\s+/)
    const from = words[0]?.startsWith('--from=') ? stages.get(words.shift()?.slice(7) ?? '') : undefined
    const target = join(here, words.pop() ?? '')
    const isIgnored = from ? () => false : ignoredIn(project)
    for (const source of words) copy(join(from?.root ?? project, source), target, isIgnored)
  } else if (word === 'RUN') {
    // The npm that runs this script has set variables that would change what the npm started here does.
    const own = Object.entries({ ...process.env, ...options.env }).filter(
      ([name]) => !/^npm_(?!config_(registry|cache))/i.test(name),
    )
    const npm = { npm_config_prefer_offline: 'true', npm_config_update_notifier: 'false' }
    const env = { ...Object.fromEntries(own), ...stage.env, ...npm }
    execFileSync('sh', ['-c', rest], { cwd: here, env, stdio: ['ignore', 'ignore', 'inherit'] })
  } else if (word === 'CMD') stage.command = JSON.parse(rest) as string[]
  else if (word === 'HEALTHCHECK') stage.healthcheck = JSON.parse(rest.slice(rest.indexOf('['))) as string[]
  else if (word === 'USER') say('  (not executed: the steps run as the present user)')
  else if (word !== 'EXPOSE') throw new Error(`tools/dockerfile.ts cannot execute ${word}.`)
}

/** As COPY does: the content of a folder, or a file into a folder. */
function copy(source: string, target: string, isIgnored: (path: string) => boolean): void {
  const into = statSync(source).isDirectory() || !existsSync(target) ? target : join(target, basename(source))
  cpSync(source, into, { recursive: true, filter: (path) => !isIgnored(path) })
}

/** Which files of a project its Dockerfile.dockerignore keeps out of the image. The last pattern that matches decides. */
function ignoredIn(project: string): (path: string) => boolean {
  const file = join(project, `${FILE}.dockerignore`)
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : []
  const patterns = lines
    .filter((line) => /^[^#\s]/.test(line))
    .map((line) => ({
      ignores: !line.startsWith('!'),
      path: patternOf(line.replace(/^!/, '')),
    }))
  return (path) => {
    const name = relative(project, path).split(sep).join('/')
    return name !== '' && patterns.findLast((pattern) => pattern.path.test(name))?.ignores === true
  }
}

/** Matches what the pattern names, and everything below. */
function patternOf(text: string): RegExp {
  const source = text
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/(\*\*\/)|(\*)/g, (_, deep) => (deep ? '(?:.*/)?' : '[^/]*'))
  return new RegExp(`^${source}(?:/|$)`)
}

/** The steps run on the Node of this machine, which must have the version of the image. */
function requireNode(image: string): void {
  const major = /^node:(\d+)/.exec(image)?.[1]
  if (major === undefined || major === process.versions.node.split('.')[0]) return
  throw new Error(`The image has Node ${major}, this is ${process.version}.`)
}
