/** A project with real packages, whose commands are those of the installed package. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { NodeInstance } from '../../deploy/node-instance.ts'
import { startLambda } from '../../lambda/emulator.ts'
import { ask } from '../../stateless/requests.ts'
import { npm } from '../support/npm.ts'
import { project } from '../support/project.ts'
import { run } from '../support/run.ts'

const ANSWERS = {
  decorators: 'HELLO ADA',
  http: '{"hello":"ada"}',
  loggers: 'from pino,from winston',
  native: '3x2 0201',
}

async function answersOf(url: URL): Promise<Record<string, string>> {
  const answers: Record<string, string> = {}
  for (const name of Object.keys(ANSWERS)) {
    const { result, error } = await ask(url, { method: 'tools/call', params: { name, arguments: {} } })
    answers[name] = error === undefined ? result.content[0].text : error.message
  }
  return answers
}

const CLI = 'node_modules/mcp-anywhere/dist/cli/main.js'

test('start serves the project as it is, packages with native code included', async () => {
  const folder = await project({ check: 'build', packages: 'all' })
  const instance = await NodeInstance.start(join(folder, CLI), {}, 'start', join(folder, 'src/server.ts'))
  onTestFinished(() => instance.stop())
  expect(await answersOf(instance.url)).toEqual(ANSWERS)
})

test('build makes bundles that serve without the project, with what it says beside them', async () => {
  const folder = await project({ check: 'build', packages: 'all' })
  const output = await run(process.execPath, [CLI, 'build'], { cwd: folder })
  expect(output).toMatch(/^server {2}src\/server\.ts$/m)
  expect(output).toMatch(
    /^node\/server\.mjs {2}endpoint \d+ KB, server \d+ KB, loaded when used \d+ KB, total \d+ KB$/m,
  )
  expect(output).toMatch(
    /^Not in the bundle, because of native code: bufferutil [\d.]+, sharp [\d.]+\. On the platform/m,
  )
  expect(output).toMatch(/npm install --omit=dev --prefix dist\/lambda --os=linux --cpu=arm64 --libc=glibc$/m)

  const deployed = mkdtempSync(join(tmpdir(), 'mcp-anywhere-deployed-'))
  onTestFinished(() => rmSync(deployed, { recursive: true, force: true }))
  cpSync(join(folder, 'dist'), deployed, { recursive: true })
  // As the output says, but for this machine.
  for (const name of ['node', 'lambda']) await npm(join(deployed, name), 'install', '--omit=dev')

  const instance = await NodeInstance.start(join(deployed, 'node/server.mjs'))
  onTestFinished(() => instance.stop())
  expect(await answersOf(instance.url)).toEqual(ANSWERS)

  const lambda = await startLambda({ task: join(deployed, 'lambda') })
  onTestFinished(() => lambda.stop())
  expect(await answersOf(lambda.url)).toEqual(ANSWERS)
})
