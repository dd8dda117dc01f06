/** Programs that are not served, each with one line that says why and what to do. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { Folder } from './served.ts'

const folder = new Folder()
afterAll(() => folder.remove())

/** The last line of a start that fails. */
async function failure(args: string[], env: Record<string, string> = {}): Promise<string> {
  const error: Error = await folder.serve(args, env).then(
    () => Promise.reject(new Error('It serves.')),
    (reason) => reason,
  )
  const [first = '', ...lines] = error.message.split('\n')
  expect(first).toBe('It ended with 1:')
  return lines.join('\n')
}

test.each([
  [
    ['failing'],
    {},
    /^The variable API_KEY is missing\.\nfailing 1\.0\.0 ended with code 3 before it connected a server to stdio\./,
  ],
  [
    ['failing', '--isolate', 'none'],
    {},
    /^The variable API_KEY is missing\.\nfailing 1\.0\.0 has called process\.exit\(3\) \(\S+index\.js:3\) before it was served\./,
  ],
  [['failing', '--bin', 'throwing'], {}, /no such service[\s\S]*\nfailing 1\.0\.0 ended with code 1 before/],
  [
    ['failing', '--bin', 'throwing', '--isolate', 'none'],
    {},
    /no such service[\s\S]*\nfailing 1\.0\.0 has failed before it was served\./,
  ],
  [
    ['idle', '--wait', '1'],
    {},
    /^idle 1\.0\.0 runs, but has connected no server to stdio within 1 s\..* --isolate session\.$/,
  ],
  [
    ['idle', '--wait', '1', '--isolate', 'none'],
    {},
    /\nidle 1\.0\.0 runs|^idle 1\.0\.0 runs, but has connected no server/,
  ],
  [
    ['alone', '--isolate', 'none'],
    {},
    /^alone 1\.0\.0 uses the stdio transport without a server of the SDK, .*: --isolate session\.$/,
  ],
  [
    ['low-level'],
    { HOST: '0.0.0.0' },
    /^low-level is not served on HOST 0\.0\.0\.0: Nobody is asked for a token: .* say --open\.$/,
  ],
  [[], {}, /^What is to be served\?/],
  [['nowhere'], {}, /^nowhere is not installed here\. npm install nowhere, or /],
] as [string[], Record<string, string>, RegExp][])('serve %j with %j', async (args, env, expected) => {
  expect(await failure(args, env)).toMatch(expected)
})

test('--open serves off loopback, with a warning', async () => {
  const served = await folder.serve(['low-level', '--open', '--isolate', 'none'], { HOST: '0.0.0.0', LOG: '0' })
  expect(await served.line(/Nobody is asked for a token/)).toContain('WARNING')
  await served.stop()
})

test('the settings of the project name the program, its arguments and what its tools need', async () => {
  const tools = { greet: { requiredScopes: ['greet'] } }
  const serve = { package: '@fixtures/cjs-1x', args: ['Welcome'], isolate: 'none', tools }
  writeFileSync(join(folder.path, 'package.json'), JSON.stringify({ 'mcp-anywhere': { serve } }))
  expect(await failure([])).toMatch(/^auth is missing, and requiredScopes of the server name greet/)
  writeFileSync(
    join(folder.path, 'package.json'),
    JSON.stringify({ 'mcp-anywhere': { serve: { ...serve, tools: { gret: {} } } } }),
  )
  expect(await failure([])).toMatch(/tools names "gret", and the server has no such tool/)
})
