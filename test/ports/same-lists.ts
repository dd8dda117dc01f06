/** A moved server shows its clients what the server of the package shows them. */
import { expect } from 'vitest'
import { clients, type Side } from '../examples/clients.ts'
import type { PortFleet } from './fleet.ts'
import { type Lists, listsOf } from './lists.ts'

interface Expected {
  /** What the clients offer. */
  side?: Side
  /** Tools of the package that the moved server does not have. */
  without?: readonly string[]
  /** Changes the lists of the package where the moved server is known to show something else. */
  adjust?: (lists: Lists) => void
}

export async function expectSameLists(
  fleet: PortFleet,
  { side = {}, without = [], adjust }: Expected = {},
): Promise<Lists> {
  const original = await fleet.original({
    elicitation: { form: {}, url: {} },
    ...(side.model && { sampling: {} }),
    ...(side.roots && { roots: {} }),
  })
  const expected = await listsOf(original)
  expected.tools = expected.tools.filter(({ name }) => !without.includes(String(name)))
  adjust?.(expected)
  for (const [name, connect] of clients) {
    const client = await connect(fleet.url, side)
    expect({ name, ...(await listsOf(client.official)) }).toEqual({ name, ...expected })
    expect(client.official.getInstructions()).toBe(original.getInstructions())
    expect(client.official.getServerVersion()).toMatchObject(original.getServerVersion() ?? {})
    await client.close()
  }
  return expected
}
