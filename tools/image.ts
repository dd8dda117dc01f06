/**
 * Builds the image of infra/Dockerfile for the project in the working folder: `node tools/image.ts [folder]`. Where no Docker engine runs, it executes the steps
 * of the file one by one in a clean folder, starts the result, and runs its healthcheck. That tests the steps, but not the
 * base image and its user.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, matchesGlob, relative, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../test/support/ports.ts'

const FILE = 'infra/Dockerfile'

/** The folder that is sent to Docker. */
const project = process.cwd()

interface Step {
  word: string
  rest: string
}

/** The state of a stage after its steps. */
interface Stage {
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

/** Executes the steps; `folder` must be empty or missing. Returns the last stage. */
function runSteps(steps: Step[], folder: string, say: (line: string) => void): Stage {
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
    else execute(stage, stages, step, say)
  }
  if (!stage?.command) throw new Error(`${FILE} has no CMD.`)
  return stage
}

function execute(stage: Stage, stages: Map<string, Stage>, { word, rest }: Step, say: (line: string) => void): void {
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
    for (const source of words)
      copy(from ? join(from.root, source) : join(project, source), target, from ? [] : ignored())
  } else if (word === 'RUN') {
    // The npm that runs this script has set variables that would change what the npm started here does.
    const own = Object.entries(process.env).filter(([name]) => !/^npm_(?!config_(registry|cache))/i.test(name))
    const npm = { npm_config_prefer_offline: 'true', npm_config_update_notifier: 'false' }
    const env = { ...Object.fromEntries(own), ...stage.env, ...npm }
    execFileSync('sh', ['-c', rest], { cwd: here, env, stdio: ['ignore', 'ignore', 'inherit'] })
  } else if (word === 'CMD') stage.command = JSON.parse(rest) as string[]
  else if (word === 'HEALTHCHECK') stage.healthcheck = JSON.parse(rest.slice(rest.indexOf('['))) as string[]
  else if (word === 'USER') say('  (not executed: the steps run as the present user)')
  else if (word !== 'EXPOSE') throw new Error(`tools/image.ts cannot execute ${word}.`)
}

/** As COPY does: the content of a folder, or a file into a folder, without what is ignored. */
function copy(source: string, target: string, patterns: string[]): void {
  const into = statSync(source).isDirectory() || !existsSync(target) ? target : join(target, basename(source))
  const isSent = (path: string) => !patterns.some((pattern) => matchesGlob(relative(project, path), pattern))
  cpSync(source, into, { recursive: true, filter: isSent })
}

/** The patterns of the files that Docker does not see. */
function ignored(): string[] {
  const lines = readFileSync(join(project, `${FILE}.dockerignore`), 'utf8').split('\n')
  return lines.filter((line) => line !== '' && !line.startsWith('#'))
}

/** The steps run on the Node of this machine, which must have the version of the image. */
function requireNode(image: string): void {
  const major = /^node:(\d+)/.exec(image)?.[1]
  if (major === undefined || major === process.versions.node.split('.')[0]) return
  throw new Error(`The image has Node ${major}, this is ${process.version}.`)
}

/** Starts the command of a stage and runs its healthcheck until it succeeds. */
async function tryOut({ root: base, workdir, env, command = [], healthcheck = [] }: Stage): Promise<void> {
  const PORT = String(await freePort())
  const options = { cwd: join(base, workdir), env: { PATH: process.env.PATH, ...env, PORT } }
  const [program = '', ...args] = command
  const child = spawn(program, args, { ...options, stdio: ['ignore', 'ignore', 'inherit'] })
  const gone = once(child, 'exit').then(([code]) => {
    throw new Error(`${command.join(' ')} ended with ${code}.`)
  })
  gone.catch(() => {})
  try {
    const [check = '', ...checkArgs] = healthcheck.slice(healthcheck[0] === 'CMD' ? 1 : 0)
    while (spawnSync(check, checkArgs, { ...options, stdio: 'ignore' }).status !== 0) {
      await Promise.race([sleep(100), gone])
    }
  } finally {
    child.kill('SIGKILL')
  }
}

if (process.argv[1] === import.meta.filename) {
  if (spawnSync('docker', ['info'], { stdio: 'ignore' }).status === 0) {
    execFileSync('docker', ['build', '-f', FILE, '-t', 'mcp-anywhere', '.'], { cwd: project, stdio: 'inherit' })
  } else {
    const given = process.argv[2]
    const folder = given ? resolve(given) : mkdtempSync(join(tmpdir(), 'mcp-anywhere-image-'))
    console.log(`No Docker engine runs here: the steps of ${FILE}, one by one, in ${folder}`)
    try {
      const stage = runSteps(readSteps(readFileSync(join(project, FILE), 'utf8')), folder, console.log)
      await tryOut(stage)
      console.log('The command starts, and its healthcheck succeeds. The image itself was not built.')
    } finally {
      if (!given) rmSync(folder, { recursive: true, force: true })
    }
  }
}
