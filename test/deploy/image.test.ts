/** The Dockerfile: its image is built, or its steps are executed one by one where no Docker engine runs. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from '../../tools/build.ts'
import { readSteps } from '../../tools/dockerfile.ts'

test('the Dockerfile makes an image that starts, or its steps make a folder that does', { timeout: 300_000 }, () => {
  const output = execFileSync(process.execPath, [join(root, 'tools/image.ts')], { encoding: 'utf8', stdio: 'pipe' })
  // The output of a Docker engine is not checked: its exit code is.
  if (!output.startsWith('No Docker engine runs here')) return
  expect(output).toContain('RUN npm ci\n')
  expect(output.trimEnd()).toMatch(/its healthcheck succeeds\. The image itself was not built\.$/)
})

test('steps are read as Docker reads them', () => {
  const text = '# a comment\nFROM a AS b\n\nRUN one \\\n    && two\n  # another\nCMD ["x"]\n'
  expect(readSteps(text)).toEqual([
    { word: 'FROM', rest: 'a AS b' },
    { word: 'RUN', rest: 'one  && two' },
    { word: 'CMD', rest: '["x"]' },
  ])
})
