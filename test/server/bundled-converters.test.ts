/** A converter that a bundle has is used as it is: loading the installed one beside it would slow the start. */
import { createRequire } from 'node:module'
import { expect, it } from 'vitest'
import * as mini from 'zod/mini'
import { z as z3 } from 'zod/v3'
import * as core from 'zod/v4/core'
import { convert } from '../../lib/server/schema/converters.ts'

const { cache } = createRequire(import.meta.url)
const loaded = (part: RegExp) => Object.keys(cache).filter((file) => part.test(file))

it('zod 4 is written by the core in the bundle, and no other is loaded', () => {
  const bundled = { zod: [core as never] }
  const json = convert(mini.string(), 'input', 'A schema', { own: undefined, bundled, cause: undefined })
  expect(json.type).toBe('string')
  expect(loaded(/\/zod\/v4\/core\//)).toEqual([])
})

it('zod 3 is written by the zod-to-json-schema in the bundle, and no other is loaded', () => {
  const zodToJsonSchema = () => ({ properties: { member: { type: 'string', title: 'of the bundle' } } })
  const sources = { own: undefined, bundled: { zod: [], zodToJsonSchema: { zodToJsonSchema } }, cause: undefined }
  expect(convert(z3.string(), 'input', 'A schema', sources).title).toBe('of the bundle')
  expect(loaded(/\/zod-to-json-schema\//)).toEqual([])
})
