import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { JsonSchema } from '../../lib/protocol/types.ts'
import { formSchema } from '../../lib/server/schema/form.ts'
import { compileSchema, type Schema } from '../../lib/server/schema/schema.ts'

const formOf = (schema: Schema, revision: '2025-06-18' | '2025-11-25' | '2026-07-28' = '2025-11-25') =>
  formSchema(compileSchema(schema, 'input', 'form').json, revision)

/** One field, in the newest session revision and in 2025-06-18. */
const field = (schema: z.ZodType | JsonSchema, revision?: '2025-06-18') =>
  (
    formOf(
      schema instanceof z.ZodType ? z.object({ a: schema }) : { type: 'object', properties: { a: schema } },
      revision,
    ).properties as Record<string, unknown>
  ).a

const titled = (values: string[]) => values.map((value) => ({ const: value, title: value.toUpperCase() }))

describe('a form', () => {
  it('is a flat object without keywords that forms lack', () => {
    expect(formOf(z.strictObject({ a: z.string(), b: z.string().optional() }).meta({ title: 'T' }))).toEqual({
      type: 'object',
      properties: { a: { type: 'string' }, b: { type: 'string' } },
      required: ['a'],
    })
  })

  it('may have a field of any name', () => {
    const properties = JSON.parse('{"__proto__":{"type":"string"},"constructor":{"type":"boolean"}}')
    expect(JSON.stringify(formOf({ type: 'object', properties }).properties)).toBe(JSON.stringify(properties))
  })

  it.each([
    ['a text', z.string().min(1).max(9).regex(/a/), { type: 'string', minLength: 1, maxLength: 9 }],
    [
      'a described text',
      z.string().describe('D').meta({ title: 'T' }),
      { type: 'string', title: 'T', description: 'D' },
    ],
    ['an address', z.email(), { type: 'string', format: 'email' }],
    ['a URL', z.url(), { type: 'string', format: 'uri' }],
    ['a date', z.iso.date(), { type: 'string', format: 'date' }],
    ['a time', z.iso.datetime(), { type: 'string', format: 'date-time' }],
    ['a format that forms do not have', z.uuid(), { type: 'string' }],
    ['an integer', z.int(), { type: 'integer' }],
    ['an integer above', z.int().positive().lt(10), { type: 'integer', minimum: 1, maximum: 9 }],
    ['a number', z.number().min(0.5).max(1.5).multipleOf(0.5), { type: 'number', minimum: 0.5, maximum: 1.5 }],
    ['a default', z.number().default(3), { type: 'number', default: 3 }],
    ['yes or no', z.boolean().default(false), { type: 'boolean', default: false }],
    ['a choice', z.enum(['x', 'y']), { type: 'string', enum: ['x', 'y'] }],
    ['a choice of one', z.literal('x'), { type: 'string', enum: ['x'] }],
    [
      'a choice with labels',
      z.union([z.literal('x').meta({ title: 'X' }), z.literal('y').meta({ title: 'Y' })]),
      { type: 'string', oneOf: titled(['x', 'y']) },
    ],
    [
      'several of a choice',
      z.array(z.enum(['x', 'y'])).min(1),
      {
        type: 'array',
        minItems: 1,
        items: { type: 'string', enum: ['x', 'y'] },
      },
    ],
    [
      'several of a choice with labels',
      { type: 'array', items: { anyOf: titled(['x', 'y']) } },
      { type: 'array', items: { anyOf: titled(['x', 'y']) } },
    ],
    [
      'labels as they were',
      { type: 'string', enum: ['x'], enumNames: ['X'] },
      { type: 'string', enum: ['x'], enumNames: ['X'] },
    ],
    ['a named part', z.string().meta({ id: 'Name' }), { type: 'string' }],
  ] as [string, z.ZodType, unknown][])('asks for %s', (_what, schema, expected) => {
    expect(field(schema)).toEqual(expected)
  })

  it.each([
    ['an object', z.object({ b: z.string() })],
    ['a list of texts', z.array(z.string())],
    ['something or nothing', z.string().nullable()],
    ['anything', z.unknown()],
    ['a choice of numbers', z.literal([1, 2])],
  ])('cannot ask for %s', (_what, schema) => {
    expect(() => field(schema)).toThrow(/"a": a form can ask for/)
  })

  it('needs properties', () => {
    expect(() => formOf({ type: 'object' })).toThrow(/an object with properties/)
  })
})

describe('a form of 2025-06-18', () => {
  it('has defaults for booleans only', () => {
    expect(field(z.string().default('x'), '2025-06-18')).toEqual({ type: 'string' })
    expect(field(z.enum(['x']).default('x'), '2025-06-18')).toEqual({ type: 'string', enum: ['x'] })
    expect(field(z.boolean().default(true), '2025-06-18')).toEqual({ type: 'boolean', default: true })
  })

  it('has labels beside the choices', () => {
    const schema = { type: 'string', oneOf: titled(['x', 'y']) }
    expect(field(schema, '2025-06-18')).toEqual({ type: 'string', enum: ['x', 'y'], enumNames: ['X', 'Y'] })
  })

  it('has no lists of choices', () => {
    expect(() => field(z.array(z.enum(['x'])), '2025-06-18')).toThrow(/2025-11-25 or newer/)
  })
})
