/** Private members of the official SDK are read in one file, which is tested with the releases that are served. */
import { expect, test } from 'vitest'
import { root } from '../../tools/build.ts'
import { sources, strip } from '../../tools/source.ts'

/** A member with an underscore, as the SDK names its private ones. `_meta` is of the protocol. */
const PRIVATE = /(?<=(?<!\.)\.|['"])_(?!meta\b)[a-zA-Z]\w*/g

const membersIn = (source: string) => strip(source).match(PRIVATE) ?? []

test('no other file than lib/sdk/private.ts reads a private member of the official SDK', () => {
  const found = [...sources(root, ['lib/sdk', 'lib/cli'])].flatMap(([file, source]) =>
    file === 'lib/sdk/private.ts' ? [] : membersIn(source).map((member) => `${file} reads ${member}`),
  )
  expect(found).toEqual([])
})

test('a private member is found, whichever way it is read', () => {
  const source =
    "server._capabilities; Reflect.get(server, '_requestHandlers'); params._meta // server._tools\nf(..._more)"
  expect(membersIn(source)).toEqual(['_capabilities', '_requestHandlers'])
})
