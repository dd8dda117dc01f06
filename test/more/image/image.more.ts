/** The Dockerfile: its image is built, or its steps are executed one by one where no Docker engine runs. */
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { root } from '../../../tools/build.ts'
import { ORDINARY } from '../../cli/ordinary-project.ts'

const folder = mkdtempSync(join(tmpdir(), 'mcp-anywhere-image-'))
const project = join(folder, 'project')

/** This project with another server, which is in a folder that the Dockerfile does not name. */
beforeAll(() => {
  mkdirSync(project)
  for (const name of ['functions', 'infra', 'lib', 'tools', 'package.json', 'package-lock.json']) {
    cpSync(join(root, name), join(project, name), { recursive: true })
  }
  rmSync(join(project, 'functions/server.ts'))
  for (const [name, text] of Object.entries(ORDINARY)) {
    mkdirSync(join(project, name, '..'), { recursive: true })
    writeFileSync(join(project, name), text)
  }
  const manifest = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8'))
  manifest['mcp-anywhere'] = { server: 'src/server.ts' }
  writeFileSync(join(project, 'package.json'), JSON.stringify(manifest))
  for (const name of ['.env', 'src/.env.local', 'dist/old.mjs', 'node_modules/old/index.js', 'src/node_modules/a.js']) {
    mkdirSync(join(project, name, '..'), { recursive: true })
    writeFileSync(join(project, name), '')
  }
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('the Dockerfile makes an image that starts, or its steps make a folder that does, with the server of the settings', {
  timeout: 300_000,
}, () => {
  const image = join(folder, 'image')
  const options = { cwd: project, encoding: 'utf8', stdio: 'pipe' } as const
  const output = execFileSync(process.execPath, [join(root, 'tools/image.ts'), image], options)
  // The output of a Docker engine is not checked: its exit code is.
  if (!output.startsWith('No Docker engine runs here')) return
  expect(output).toContain('RUN npm ci\n')
  expect(output.trimEnd()).toMatch(/its healthcheck succeeds\. The image itself was not built\.$/)
  expect(readFileSync(join(image, 'last/app/server.mjs'), 'utf8')).toContain('name:"ordinary"')
  const build = (name: string) => existsSync(join(image, 'build/build', name))
  expect(build('src/notes/index.ts')).toBe(true)
  const left = ['.env', 'src/.env.local', 'dist/old.mjs', 'node_modules/old', 'src/node_modules']
  expect(left.filter(build)).toEqual([])
})
