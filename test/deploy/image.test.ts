/** How tools/dockerfile.ts reads and executes the steps of a Dockerfile. `test/more/image` makes the whole image. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { readSteps, runSteps } from '../../tools/dockerfile.ts'

const folder = mkdtempSync(join(tmpdir(), 'mcp-anywhere-image-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('steps are read as Docker reads them', () => {
  const text = '# a comment\nFROM a AS b\n\nRUN one \\\n    && two\n  # another\nCMD ["x"]\n'
  expect(readSteps(text)).toEqual([
    { word: 'FROM', rest: 'a AS b' },
    { word: 'RUN', rest: 'one  && two' },
    { word: 'CMD', rest: '["x"]' },
  ])
})

test('files that Dockerfile.dockerignore names are not copied; the last pattern that matches decides', () => {
  const project = join(folder, 'ignoring')
  const [major] = process.versions.node.split('.')
  const files = {
    'infra/Dockerfile': `FROM node:${major}\nWORKDIR /app\nCOPY . .\nCMD ["node"]\n`,
    'infra/Dockerfile.dockerignore': '# a comment\n*\n!src\n!package.json\n**/*.log\n**/.env\nsrc/private\n',
    'package.json': '',
    '.env': '',
    'node_modules/a/index.js': '',
    'src/server.ts': '',
    'src/.env': '',
    'src/deep/x.log': '',
    'src/deep/x.logs': '',
    'src/private/key': '',
  }
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(project, name)), { recursive: true })
    writeFileSync(join(project, name), text)
  }
  const { root: image } = runSteps({ project, folder: join(folder, 'stages'), say: () => {} })
  const copied = readdirSync(join(image, 'app'), { recursive: true, encoding: 'utf8' })
  expect(copied.sort()).toEqual(['package.json', 'src', 'src/deep', 'src/deep/x.logs', 'src/server.ts'])
})
