/** Completions of the fields of a schema, whichever library and whichever `completable` made them. */
import { completable as ofSdk1 } from '@modelcontextprotocol/sdk/server/completable.js'
import { completable as ofSdk2 } from '@modelcontextprotocol/server'
import * as v from 'valibot'
import { describe, expect, it, test } from 'vitest'
import { z } from 'zod'
import * as mini from 'zod/mini'
import { z as z3 } from 'zod/v3'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { completable } from '../../lib/server/registry/completable.ts'
import type { AnySchema, Schema } from '../../lib/server/schema/schema.ts'
import { request } from './fake-channel.ts'

const suggest = (typed: string) => ['one', 'other', 'two'].filter((word) => word.startsWith(typed))

async function completedBy(argsSchema: Schema, name = 'word') {
  const server = new McpServer({ name: 'test', version: '1' })
  server.registerPrompt('prompt', { argsSchema }, () => ({ messages: [] }))
  const ref = { type: 'ref/prompt', name: 'prompt' }
  const [prompt] = (await request(server, 'prompts/list')).prompts
  expect(prompt.arguments.map((argument: { name: string }) => argument.name)).toContain(name)
  const { completion } = await request(server, 'completion/complete', { ref, argument: { name, value: 'o' } })
  return completion.values
}

/** `completable` of releases of SDK 1.x for zod 3 alone. */
class Completable extends z3.ZodType {
  constructor(type: z3.ZodType, complete: typeof suggest) {
    super({ type, complete, typeName: 'McpCompletable' } as never)
  }

  _parse(input: z3.ParseInput): z3.ParseReturnType<unknown> {
    const { ctx } = this._processInputParams(input)
    const { type } = this._def as unknown as { type: z3.ZodType }
    return type._parse({ data: ctx.data, path: ctx.path, parent: ctx })
  }
}

/** A schema as arktype has them. */
function functionSchema(): AnySchema {
  const standard = {
    version: 1 as const,
    vendor: 'functions',
    validate: (value: unknown) => ({ value }),
    jsonSchema: { input: () => ({ type: 'string' }), output: () => ({ type: 'string' }) },
  }
  return Object.assign((value: unknown) => value, { '~standard': standard })
}

const FIELDS: [name: string, field: AnySchema][] = [
  ['zod', completable(z.string(), suggest)],
  ['an optional of zod', completable(z.string(), suggest).optional()],
  ['a described one of zod', completable(z.string(), suggest).optional().describe('A word').meta({ title: 'Word' })],
  ['a default of zod', completable(z.string(), suggest).default('one')],
  ['a pipe of zod', completable(z.string(), suggest).transform((word) => word.length)],
  ['zod/mini', mini.optional(completable(mini.string(), suggest))],
  ['zod 3', completable(z3.string(), suggest)],
  ['an optional of zod 3', completable(z3.string(), suggest).optional()],
  ['an effect of zod 3', completable(z3.string(), suggest).transform((word) => word.length)],
  ['a library whose schemas are functions', completable(functionSchema(), suggest)],
  ['valibot', v.optional(completable(v.string(), suggest))],
  ['a pipe of valibot', v.pipe(completable(v.string(), suggest), v.minLength(1))],
  ['SDK 1.x', ofSdk1(z.string(), suggest)],
  ['SDK 1.x with zod 3', ofSdk1(z3.string(), suggest).optional()],
  ['SDK 2.x', ofSdk2(z.string(), suggest)],
]

describe.each(FIELDS)('a field of %s', (_name, field) => {
  it('has its completions in a shape', async () => {
    expect(await completedBy({ word: field, other: z.string().optional() })).toEqual(['one', 'other'])
  })
})

test('a field of an older SDK 1.x has its completions, and is listed and checked by the schema in it', async () => {
  expect(await completedBy({ word: new Completable(z3.string().min(2), suggest) })).toEqual(['one', 'other'])
})

test('objects have the completions of their fields', async () => {
  expect(await completedBy(z.object({ word: completable(z.string(), suggest) }))).toEqual(['one', 'other'])
  expect(await completedBy(mini.object({ word: completable(mini.string(), suggest) }))).toEqual(['one', 'other'])
  expect(await completedBy(z3.object({ word: completable(z3.string(), suggest) }))).toEqual(['one', 'other'])
  expect(await completedBy(v.object({ word: completable(v.string(), suggest) }))).toEqual(['one', 'other'])
})

test('a shape may have fields that are named like the members of an object', async () => {
  const argsSchema = { shape: z.string(), entries: completable(z.string(), suggest) }
  expect(await completedBy(argsSchema, 'entries')).toEqual(['one', 'other'])
})
