/** The steps of the Dockerfile, one by one where no Docker engine runs. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from '../../tools/build.ts'
import { readSteps } from '../../tools/image.ts'

test('the Dockerfile makes an image that starts, or its steps make one part by part', { timeout: 300_000 }, () => {
  const output = execFileSync(process.execPath, [join(root, 'tools/image.ts')], { encoding: 'utf8', stdio: 'pipe' })
  // A Docker engine says for itself what it did.
  if (!output.startsWith('No Docker engine runs here')) return
  expect(output).toContain('RUN npm ci\n')
  expect(output.trimEnd()).toMatch(/its healthcheck is content\. The image itself was not built\.$/)
})

test('steps are read as Docker reads them', () => {
  const text = '# a comment\nFROM a AS b\n\nRUN one \\\n    && two\n  # another\nCMD ["x"]\n'
  expect(readSteps(text)).toEqual([
    { word: 'FROM', rest: 'a AS b' },
    { word: 'RUN', rest: 'one  && two' },
    { word: 'CMD', rest: '["x"]' },
  ])
})
