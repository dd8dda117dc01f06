/** The reference server for files takes its folders from the roots of its client. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { client1, type ExampleClient } from '../../examples/clients.ts'
import { type RedisServer, startRedis } from '../../support/redis.ts'
import { type ServeFleet, startServeFleet } from './fleet.ts'

let redis: RedisServer
let fleet: ServeFleet
let folder: string
beforeAll(async () => {
  redis = await startRedis()
  fleet = await startServeFleet('@modelcontextprotocol/server-filesystem', redis)
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'mcp-anywhere-roots-')))
})
afterAll(async () => {
  await fleet.stop()
  await redis.stop()
  rmSync(folder, { recursive: true, force: true })
})

test('two clients with different roots never see each other’s files', async () => {
  const people = await Promise.all(
    ['ada', 'bob'].map(async (name) => {
      const home = join(folder, name)
      mkdirSync(home)
      writeFileSync(join(home, 'note.txt'), `a note of ${name}`)
      const roots = [{ uri: pathToFileURL(home).href, name }]
      return { name, home, client: await client1(fleet.url, { roots }) }
    }),
  )
  const read = (client: ExampleClient, home: string) => client.call('read_text_file', { path: join(home, 'note.txt') })
  const folders = async (client: ExampleClient) => (await client.call('list_allowed_directories')).text
  // It asks for the roots when it is initialized, and has its arguments until then.
  for (const { home, client } of people) {
    await expect.poll(() => folders(client), { timeout: 20_000 }).toBe(`Allowed directories:\n${home}`)
  }
  for (let round = 0; round < 6; round++) {
    await Promise.all(
      people.map(async ({ name, home, client }) => {
        expect(await folders(client)).toBe(`Allowed directories:\n${home}`)
        expect(await read(client, home)).toMatchObject({ text: `a note of ${name}`, isError: false })
        for (const other of people) {
          if (other.name === name) continue
          const { text, isError } = await read(client, other.home)
          expect([text, isError]).toEqual([expect.stringMatching(/Access denied/), true])
        }
      }),
    )
  }
  expect(Math.min(...fleet.counts)).toBeGreaterThan(5)
  for (const { client } of people) await client.close()
})
