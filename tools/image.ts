/**
 * Builds the image of infra/Dockerfile for the project in the working folder: `node tools/image.ts [folder]`. Where no Docker
 * engine runs, it executes the steps of the file one by one in a clean folder, starts the result, and runs its healthcheck.
 * That tests the steps, but not the base image and its user.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../test/support/ports.ts'
import { FILE, runSteps, type Stage } from './dockerfile.ts'

/** The command of an image, whose healthcheck has succeeded. */
interface Running {
  /** Without a path. */
  url: URL
  stop(): void
}

/** Starts the command of a stage, and runs its healthcheck until it succeeds. @param more variables */
export async function startStage(stage: Stage, more: NodeJS.ProcessEnv = {}): Promise<Running> {
  const { root: base, workdir, command = [], healthcheck = [] } = stage
  const PORT = String(await freePort())
  const options = { cwd: join(base, workdir), env: { PATH: process.env.PATH, ...stage.env, ...more, PORT } }
  const [program = '', ...args] = command
  const child = spawn(program, args, { ...options, stdio: ['ignore', 'ignore', 'inherit'] })
  const gone = once(child, 'exit').then(([code]) => {
    throw new Error(`${command.join(' ')} ended with ${code}.`)
  })
  gone.catch(() => {})
  const [check = '', ...checkArgs] = healthcheck.slice(healthcheck[0] === 'CMD' ? 1 : 0)
  try {
    while (spawnSync(check, checkArgs, { ...options, stdio: 'ignore' }).status !== 0) {
      await Promise.race([sleep(100), gone])
    }
  } catch (error) {
    child.kill('SIGKILL')
    throw error
  }
  return { url: new URL(`http://127.0.0.1:${PORT}`), stop: () => void child.kill('SIGKILL') }
}

if (process.argv[1] === import.meta.filename) {
  const project = process.cwd()
  if (spawnSync('docker', ['info'], { stdio: 'ignore' }).status === 0) {
    execFileSync('docker', ['build', '-f', FILE, '-t', 'mcp-anywhere', '.'], { cwd: project, stdio: 'inherit' })
  } else {
    const given = process.argv[2]
    const folder = given ? resolve(given) : mkdtempSync(join(tmpdir(), 'mcp-anywhere-image-'))
    console.log(`No Docker engine runs here: the steps of ${FILE}, one by one, in ${folder}`)
    try {
      const running = await startStage(runSteps({ project, folder, say: console.log }))
      running.stop()
      console.log('The command starts, and its healthcheck succeeds. The image itself was not built.')
    } finally {
      if (!given) rmSync(folder, { recursive: true, force: true })
    }
  }
}
