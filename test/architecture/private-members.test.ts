/** Private members of the official SDK are read in one file, which is tested with the releases that are served. */
import { expect, test } from 'vitest'
import { root } from '../../tools/build.ts'
import { sources, strip } from '../../tools/source.ts'

/** A member with an underscore, as the SDK names its private ones. `_meta` is of the protocol. */
const PRIVATE = /(?<=(?<!\.)\.|['"])_(?!meta\b)[a-zA-Z]\w*/g

const membersIn = (source: string) => strip(source).match(PRIVATE) ?? []

/** The second names methods of the Redis client. */
const ALLOWED = ['lib/sdk/private.ts', 'lib/cli/build/plugins/outlined.ts']

test('no other file than lib/sdk/private.ts reads a private member of the official SDK', () => {
  const found = [...sources(root, ['lib/sdk', 'lib/cli'])].flatMap(([file, source]) =>
    ALLOWED.includes(file) ? [] : membersIn(source).map((member) => `${file} reads ${member}`),
  )
  expect(found).toEqual([])
})

test('a private member is found, whichever way it is read', () => {
  const source =
    "server._capabilities; Reflect.get(server, '_requestHandlers'); params._meta // server._tools\nf(..._more)"
  expect(membersIn(source)).toEqual(['_capabilities', '_requestHandlers'])
})
