/** What a program that was made to be the process of one client does to its process, and the other clients do not notice. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { client1, type ExampleClient } from '../../examples/clients.ts'
import { Folder, type Served } from './served.ts'

const folder = new Folder()
let served: Served
let client: ExampleClient

beforeAll(async () => {
  served = await folder.serve(['rude', '--env', 'GREETING=hello'])
  client = await client1(served.url)
})
afterAll(() => folder.remove())

test('a text on stdout goes to stderr, with one hint', async () => {
  const hints = served.lines.filter((line) => line.includes('writes to stdout'))
  expect(hints).toHaveLength(1)
  expect(served.lines).toEqual(expect.arrayContaining(['a word on stdout', 'and one more']))
})

test('an exception and a rejection of the program are in the log, and it serves on', async () => {
  expect((await client.call('throw-later')).text).toBe('done')
  expect(await served.line(/thrown later/)).toMatch(
    /An exception that nobody catches, in rude 1\.0\.0: Error: thrown later/,
  )
  expect((await client.call('reject-later')).text).toBe('done')
  expect(await served.line(/rejected later/)).toMatch(/A rejection that nobody handles, in rude 1\.0\.0: Error/)
  expect((await client.call('reject-later')).text).toBe('done')
})

test('the program sees its own variables, not those of the endpoint', async () => {
  expect((await client.call('count')).text).toMatch(/ undefined hello$/)
  // Those of the process are the endpoint's, not the program's.
  expect((await client.call('count')).text).toMatch(/^1,2 /)
})

test('process.exit of a tool is an error of that call; the others end, and so does the process, with 1', async () => {
  const slow = client.call('slow')
  await served.line(/a slow call has begun/)
  expect(await client.call('exit')).toMatchObject({ isError: true, text: expect.stringContaining('process.exit(4)') })
  expect(await served.line(/has called process\.exit/)).toMatch(
    /rude 1\.0\.0 has called process\.exit\(4\) \(\S*rude\/index\.js:\d+\): this instance ends as on SIGTERM, with the exit code 1/,
  )
  expect((await slow).text).toBe('done')
  expect(await served.code).toBe(1)
  expect(served.lines).toContain('the program cleans up')
})

test('a signal lets calls end first, and then the program cleans up', async () => {
  const another = await folder.serve(['rude', '--isolate', 'none'])
  const caller = await client1(another.url)
  const slow = caller.call('slow')
  await another.line(/a slow call has begun/)
  another.kill('SIGTERM')
  expect((await slow).text).toBe('done')
  expect(await another.code).toBe(0)
  expect(another.lines.at(-1)).toBe('the program cleans up')
})
