/** The reference server "memory", moved to this package. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { clients } from '../../examples/clients.ts'
import { type PortFleet, startPort } from '../../ports/fleet.ts'
import { expectSameLists } from '../../ports/same-lists.ts'

const GRAPH = 'memory://knowledge-graph'

let fleet: PortFleet
let folder: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mcp-anywhere-memory-'))
  fleet = await startPort('memory', { MEMORY_FILE_PATH: join(folder, 'memory.jsonl') })
})

afterAll(async () => {
  await fleet.stop()
  rmSync(folder, { recursive: true, force: true })
})

test('has the tools and the resource of the package', async () => {
  const { tools, resources } = await expectSameLists(fleet)
  expect(tools).toHaveLength(9)
  expect(resources).toHaveLength(1)
})

test.each(clients)('keeps a graph that each instance reads (%s)', async (name, connect) => {
  const client = await connect(fleet.url)
  const entity = { name, entityType: 'client', observations: ['asks'] }
  const created = await client.call('create_entities', { entities: [entity] })
  expect(created).toEqual({
    text: JSON.stringify([entity], null, 2),
    structured: { entities: [entity] },
    isError: false,
  })
  for (let i = 0; i < fleet.counts.length; i++) {
    const { structured } = await client.call('open_nodes', { names: [name] })
    expect(structured).toEqual({ entities: [entity], relations: [] })
  }
  expect(JSON.parse(await client.read(GRAPH)).entities).toContainEqual(entity)
  await client.close()
})

test.each(clients)('publishes a change of the graph to its subscribers (%s)', async (name, connect) => {
  const updates: string[] = []
  const subscriber = await connect(fleet.url, { updated: (uri) => updates.push(uri) })
  await subscriber.subscribe(GRAPH)
  const author = await connect(fleet.url)
  await author.call('create_relations', { relations: [{ from: name, to: 'graph', relationType: 'watches' }] })
  await expect.poll(() => updates, { timeout: 20_000 }).toContain(GRAPH)
  await subscriber.close()
  await author.close()
})

test('an error of a tool has the text that it has in the package', async () => {
  const wrong = { observations: [{ entityName: 'nobody', contents: ['is here'] }] }
  const original = await fleet.original()
  const expected = await original.callTool({ name: 'add_observations', arguments: wrong })
  for (const [, connect] of clients) {
    const client = await connect(fleet.url)
    const { text, isError } = await client.call('add_observations', wrong)
    expect([{ type: 'text', text }, isError]).toEqual([(expected.content as unknown[])[0], true])
    await client.close()
  }
})
