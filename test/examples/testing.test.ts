/** The example of a test, run by the command that examples/README.md gives. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { commands, root } from './process.ts'

test('the tests of testing.ts pass', async () => {
  const [, ...args] = (commands.get('testing.ts') ?? '').split(' ')
  const env = { PATH: process.env.PATH }
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root, env })
  expect(stdout).toMatch(/pass 4$/m)
})
