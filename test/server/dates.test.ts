/** Dates: listed as the texts that JSON has for them, and read from those. */
import { toStandardJsonSchema } from '@valibot/to-json-schema'
import * as v from 'valibot'
import { describe, expect, it, test } from 'vitest'
import { z } from 'zod'
import * as mini from 'zod/mini'
import { z as z3 } from 'zod/v3'
import { compileOutputSchema } from '../../lib/server/schema/output.ts'
import { compileSchema, type Schema } from '../../lib/server/schema/schema.ts'

const TEXT = '2026-03-01T10:00:00Z'

describe.each([
  ['zod 4', z.object({ at: z.date(), n: z.number().optional() })],
  ['zod/mini', mini.object({ at: mini.date(), n: mini.optional(mini.number()) })],
  ['zod 3', z3.object({ at: z3.date(), n: z3.number().optional() })],
  ['valibot', v.object({ at: v.date(), n: v.optional(v.number()) })],
  ['valibot with its wrapper', toStandardJsonSchema(v.object({ at: v.date(), n: v.optional(v.number()) }))],
  ['a shape', { at: z.date(), n: z3.number().optional() }],
] as [string, Schema][])('a date of %s', (_name, schema) => {
  const { json, check } = compileSchema(schema, 'input', 'a schema')

  it('is listed as a date-time', () => {
    expect(json.properties).toMatchObject({ at: { type: 'string', format: 'date-time' } })
    expect(json.required).toEqual(['at'])
  })

  it('is read from a date-time and from a date', () => {
    expect(check({ at: TEXT })).toEqual({ ok: true, value: { at: new Date(TEXT) } })
    expect(check({ at: '2026-03-01' })).toEqual({ ok: true, value: { at: new Date('2026-03-01T00:00:00Z') } })
    expect(check({ at: TEXT, n: 'x' })).toMatchObject({ ok: false, problems: expect.not.stringContaining('at: ') })
  })

  it.each(['tomorrow', '2026-13-01T10:00:00Z', '2026-03-01T10:00:00', '2026', '1', 5, null])('is no %j', (at) => {
    expect(check({ at })).toMatchObject({ ok: false, problems: expect.stringMatching(/^at: /) })
  })

  it('is sent as the text that was listed', () => {
    const output = compileOutputSchema(schema, 'a schema')
    expect(output.json.properties).toMatchObject({ at: { type: 'string', format: 'date-time' } })
    const checked = output.check({ at: new Date(TEXT), n: { toJSON: () => 1 } })
    expect(JSON.parse(JSON.stringify(checked))).toEqual({ ok: true, value: { at: '2026-03-01T10:00:00.000Z', n: 1 } })
  })
})

test.each([
  ['a list', z.object({ a: z.array(z.object({ at: z.date() })) }), { a: [{ at: TEXT }, { at: '2026-03-02' }] }],
  ['a union', z.object({ a: z.union([z.object({ at: z.date() }), z.number()]) }), { a: { at: TEXT } }],
  ['a nullable', z.object({ a: z.date().nullable(), b: z.date().optional() }), { a: TEXT }],
  ['a union of zod 3', z3.object({ a: z3.union([z3.object({ at: z3.date() }), z3.number()]) }), { a: { at: TEXT } }],
] as [string, Schema, object][])('dates are found in %s', (_name, schema, value) => {
  const read = compileSchema(schema, 'input', 'a schema').check(value)
  expect(JSON.stringify(read)).toContain('2026-03-01T10:00:00.000Z')
  expect(read).toMatchObject({ ok: true })
})

test('a text stays one where the schema takes texts, too', () => {
  const { check } = compileSchema(z.object({ a: z.union([z.date(), z.string()]) }), 'input', 'a schema')
  expect(check({ a: TEXT })).toEqual({ ok: true, value: { a: TEXT } })
})

test('the arguments themselves are not changed', () => {
  const args = { a: [TEXT], b: { c: 1 } }
  const { check } = compileSchema({ a: z.array(z.date()), b: z.looseObject({}) }, 'input', 'a schema')
  expect(check(args)).toMatchObject({ ok: true })
  expect(args).toEqual({ a: [TEXT], b: { c: 1 } })
})

test('other types that JSON does not have are refused beside a date', () => {
  const both = z.object({ at: z.date(), big: z.bigint() })
  expect(() => compileSchema(both, 'input', 'a schema')).toThrow(
    /a schema cannot be written as JSON Schema: .*represented/,
  )
  expect(() => compileSchema(z.object({ big: z.bigint() }), 'input', 'a schema')).toThrow(/BigInt/)
})
