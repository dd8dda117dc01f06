/** Roots that a server keeps for its client, in three processes with one Redis. */
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { ListRootsRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Fleet, startFleet } from '../support/fleet.ts'

let fleet: Fleet
beforeAll(async () => {
  fleet = await startFleet({}, { module: '../sdk/servers/roots.ts' })
})
afterAll(() => fleet.stop())

async function clientWith(uri: string) {
  const client = new Client({ name: uri, version: '1' }, { capabilities: { roots: { listChanged: true } } })
  let roots = [{ uri }]
  client.setRequestHandler(ListRootsRequestSchema, () => ({ roots }))
  await client.connect(new StreamableHTTPClientTransport(fleet.url) as never)
  return {
    client,
    async change(to: string) {
      roots = [{ uri: to }]
      await client.sendRootsListChanged()
    },
    /** What each of the processes knows. */
    async everywhere() {
      const known = new Map<number, string[]>()
      while (known.size < 3) {
        const { content } = await client.callTool({ name: 'roots' })
        const { pid, roots: kept } = JSON.parse((content as { text: string }[])[0]?.text ?? '')
        if (known.has(pid)) expect(kept).toEqual(known.get(pid))
        known.set(pid, kept)
      }
      return [...new Set([...known.values()].flat())]
    },
  }
}

test('two clients have their own, and changed roots are there for the next call in every process', async () => {
  const [ada, bob] = await Promise.all([clientWith('file:///ada'), clientWith('file:///bob')])
  for (let round = 0; round < 3; round++) {
    expect(await ada.everywhere()).toEqual([round === 0 ? 'file:///ada' : `file:///ada/${round}`])
    expect(await bob.everywhere()).toEqual(['file:///bob'])
    await ada.change(`file:///ada/${round + 1}`)
  }
  expect(await ada.everywhere()).toEqual(['file:///ada/3'])
  await Promise.all([ada.client.close(), bob.client.close()])
})
