/** The fields that the page makes of JSON Schema. */
import { describe, expect, test } from 'vitest'
import type { Field } from '../../lib/page/app/forms/field.ts'
import { fieldOf } from '../../lib/page/app/forms/schema.ts'

const member = (schema: object, name = 'x') => {
  const field = fieldOf({ type: 'object', properties: { [name]: schema } })
  if (field.kind !== 'object') throw new Error('The whole is an object.')
  return field.members[0]!.field
}
const kinds = (fields: readonly { field: Field }[]) => fields.map(({ field }) => field.kind)

describe('a schema becomes', () => {
  test('an object of its properties, of which some are required', () => {
    const field = fieldOf({
      type: 'object',
      properties: { a: { type: 'string' }, b: { type: 'integer', title: 'B', description: 'A number', default: 3 } },
      required: ['b'],
    })
    expect(field).toMatchObject({
      kind: 'object',
      members: [
        { name: 'a', isRequired: false, field: { kind: 'text' } },
        {
          name: 'b',
          isRequired: true,
          field: { kind: 'number', isInteger: true, title: 'B', description: 'A number', initial: 3 },
        },
      ],
    })
  })

  test('a text with its bounds, format and pattern', () => {
    const bounds = { type: 'string', minLength: 1, maxLength: 9, pattern: '^a' }
    expect(member(bounds)).toMatchObject({ kind: 'text', minLength: 1, maxLength: 9, pattern: '^a', isLong: false })
    expect(member({ type: 'string', format: 'email', examples: ['a@b.example'] })).toMatchObject({
      format: 'email',
      example: 'a@b.example',
    })
  })

  test('a text of several lines, by its name or its length', () => {
    expect(member({ type: 'string' }, 'body')).toMatchObject({ isLong: true })
    expect(member({ type: 'string', maxLength: 5_000 })).toMatchObject({ isLong: true })
    expect(member({ type: 'string', maxLength: 20 }, 'body')).toMatchObject({ isLong: false })
    expect(member({ type: 'string' }, 'city')).toMatchObject({ isLong: false })
  })

  test('a number with bounds, also with those of draft 4', () => {
    expect(member({ type: 'number', minimum: 0, exclusiveMaximum: 1 })).toMatchObject({ minimum: 0, below: 1 })
    expect(member({ type: 'number', minimum: 0, exclusiveMinimum: true })).toMatchObject({
      above: 0,
      minimum: undefined,
    })
  })

  test('a choice of an enum, of its names, and of constants with titles', () => {
    const options = [
      { value: 1, label: 'one' },
      { value: 2, label: '2' },
    ]
    expect(member({ enum: [1, 2], enumNames: ['one'] })).toMatchObject({ kind: 'choice', options })
    const constants = [{ const: 1, title: 'one' }, { const: 2 }]
    expect(member({ oneOf: constants })).toMatchObject({ kind: 'choice', options })
    expect(member({ anyOf: constants })).toMatchObject({ kind: 'choice', options })
    expect(member({ enum: ['a', null] })).toMatchObject({ isNullable: true, options: [{ value: 'a', label: 'a' }] })
  })

  test('several choices of a list of an enum', () => {
    const items = { enum: ['a', 'b'] }
    expect(member({ type: 'array', items, minItems: 1, maxItems: 2 })).toMatchObject({
      kind: 'choices',
      minItems: 1,
      maxItems: 2,
      options: [{ value: 'a' }, { value: 'b' }],
    })
  })

  test('a list of objects', () => {
    const items = { type: 'object', properties: { a: { type: 'boolean' } } }
    const field = member({ type: 'array', items })
    expect(field).toMatchObject({ kind: 'list', item: { kind: 'object', members: [{ field: { kind: 'flag' } }] } })
  })

  test('variants, named by title, by constant, or by what they are', () => {
    const field = member({
      oneOf: [
        { title: 'By id', type: 'object', properties: { id: { type: 'string' } } },
        { type: 'object', properties: { type: { const: 'circle' }, radius: { type: 'number' } } },
        { type: 'string' },
      ],
    })
    expect(field).toMatchObject({ kind: 'variants' })
    expect(field.kind === 'variants' && field.variants.map(({ label }) => label)).toEqual(['By id', 'circle', 'Text'])
  })

  test('variants that have what stands beside them', () => {
    const field = fieldOf({
      type: 'object',
      properties: { name: { type: 'string' } },
      required: ['name'],
      oneOf: [{ properties: { a: { type: 'string' } } }, { properties: { b: { type: 'number' } }, required: ['b'] }],
    })
    expect(field.kind === 'variants' && kinds(field.variants)).toEqual(['object', 'object'])
    const [, second] = field.kind === 'variants' ? field.variants : []
    const members = second?.field.kind === 'object' ? second.field.members : []
    expect(members.map(({ name, isRequired }) => [name, isRequired])).toEqual(
      expect.arrayContaining([
        ['name', true],
        ['b', true],
      ]),
    )
  })

  test('what it is without null', () => {
    expect(member({ anyOf: [{ type: 'number' }, { type: 'null' }], description: 'D' })).toMatchObject({
      kind: 'number',
      isNullable: true,
      description: 'D',
    })
    expect(member({ type: ['string', 'null'] })).toMatchObject({ kind: 'text', isNullable: true })
    expect(member({ type: ['string', 'number'] })).toMatchObject({
      kind: 'variants',
      variants: [{ label: 'Text' }, { label: 'Number' }],
    })
  })

  test('what its reference names, beside which a description counts more', () => {
    const field = fieldOf({
      type: 'object',
      properties: { a: { $ref: '#/$defs/a~1b', description: 'own' }, b: { allOf: [{ $ref: '#/$defs/a~1b' }] } },
      $defs: { 'a/b': { type: 'string', description: 'shared', minLength: 2 } },
    })
    expect(field).toMatchObject({
      members: [
        { field: { kind: 'text', minLength: 2, description: 'own' } },
        { field: { kind: 'text', minLength: 2, description: 'shared' } },
      ],
    })
  })

  test('the members of all parts of allOf', () => {
    const field = fieldOf({
      allOf: [
        { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] },
        { properties: { b: { type: 'string' } }, required: ['b'] },
      ],
    })
    const members = field.kind === 'object' ? field.members : []
    expect(
      members
        .filter(({ isRequired }) => isRequired)
        .map(({ name }) => name)
        .sort(),
    ).toEqual(['a', 'b'])
  })
})

describe('JSON is entered for', () => {
  test.each([
    ['a schema that says nothing', {}],
    ['any value', { description: 'Anything' }],
    ['an object with names of its own', { type: 'object', additionalProperties: { type: 'string' } }],
    ['a list whose places differ', { type: 'array', prefixItems: [{ type: 'string' }] }],
    ['a list of anything', { type: 'array' }],
    ['a reference to another document', { $ref: 'https://example.com/schema.json' }],
    ['a reference that leads nowhere', { $ref: '#/$defs/none' }],
    ['a reference to itself', { $ref: '#/properties/x' }],
  ])('%s', (_, schema) => {
    expect(member(schema)).toMatchObject({ kind: 'json' })
  })

  test('what is not a schema at all', () => {
    for (const schema of [undefined, null, true, 'text', 7, []]) expect(fieldOf(schema).kind).toBe('json')
  })

  test('what is deeper than a form can be', () => {
    const tree = { type: 'object', properties: { child: { $ref: '#' } } }
    let field = fieldOf(tree)
    let depth = 0
    while (field.kind === 'object') {
      field = field.members[0]!.field
      depth += 1
    }
    expect(field.kind).toBe('json')
    expect(depth).toBeLessThan(10)
  })
})

test('a tool without arguments has an empty object', () => {
  expect(fieldOf({ type: 'object' })).toMatchObject({ kind: 'object', members: [] })
  expect(fieldOf({ type: 'object', properties: {} })).toMatchObject({ kind: 'object', members: [] })
})
