/** The types that the compiler infers from schemas of libraries that this repository has not installed. */
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from '../../../tools/build.ts'
import { installed } from '../support/installed.ts'
import { project } from '../support/project.ts'
import { run } from '../support/run.ts'

const SOURCE = `
import { type InputOf, McpServer, type OutputOf } from 'mcp-anywhere'
import { type } from 'arktype'
import { Type as Type0 } from '@sinclair/typebox'
import { Type } from 'typebox'
import * as v from 'valibot'
import { z as z22 } from 'zod-3.22'
import { z as z25 } from 'zod-3.25'
import { z as z40 } from 'zod-4.0'
import * as mini from 'zod-4.0/mini'

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const same = <_T extends true>() => {}

type Given = { a: string; b?: number | undefined }

const old = z22.object({ a: z22.string(), b: z22.number().optional() })
same<Equal<OutputOf<typeof old>, Given>>()
same<Equal<OutputOf<typeof old.shape>, Given>>()
const defaulted = { a: z22.string(), b: z22.number().default(1) }
same<Equal<OutputOf<typeof defaulted>, { a: string; b: number }>>()
same<Equal<InputOf<typeof defaulted>, Given>>()

const of25 = z25.object({ a: z25.string(), b: z25.number().optional() })
same<Equal<OutputOf<typeof of25>, Given>>()
const of40 = z40.object({ a: z40.string(), b: z40.number().optional() })
same<Equal<OutputOf<typeof of40>, Given>>()
same<Equal<OutputOf<typeof of40.shape>, Given>>()
const small = { a: mini.string(), b: mini.optional(mini.number()) }
same<Equal<OutputOf<typeof small>, Given>>()
const several = { a: z22.string(), b: v.optional(v.number()), c: z40.date(), d: type('string') }
same<Equal<OutputOf<typeof several>, { a: string; b?: number | undefined; c: Date; d: string }>>()

const valibot = v.object({ a: v.string(), b: v.optional(v.number()) })
same<Equal<OutputOf<typeof valibot>, Given>>()
const ark = type({ a: 'string', 'b?': 'number' })
same<Equal<OutputOf<typeof ark>, { a: string; b?: number }>>()
const box = Type.Object({ a: Type.String(), b: Type.Optional(Type.Array(Type.Integer())), c: Type.Union([Type.Literal('x'), Type.Null()]) })
same<Equal<OutputOf<typeof box>, { a: string; c: 'x' | null; b?: number[] | undefined }>>()
const box0 = Type0.Object({ a: Type0.String(), b: Type0.Optional(Type0.Number()) })
same<Equal<OutputOf<typeof box0>, { b?: number; a: string }>>()

const server = new McpServer({ name: 'types', version: '1' })
const result = { content: [] }
server.registerTool('1', { inputSchema: old }, ({ a }) => (a.trim(), result))
server.registerTool('2', { inputSchema: defaulted, outputSchema: old.shape }, ({ b }) => ({ structuredContent: { a: String(b) } }))
server.registerTool('3', { inputSchema: small }, ({ a }) => (a.trim(), result))
server.registerTool('4', { inputSchema: box }, ({ a }) => (a.trim(), result))
server.registerTool('5', { inputSchema: box0 }, ({ a }) => (a.trim(), result))
server.registerTool('6', { inputSchema: ark }, ({ a }) => (a.trim(), result))
server.registerTool('7', { inputSchema: several }, ({ c }) => (c.getTime(), result))
// @ts-expect-error a is a text
server.registerTool('8', { outputSchema: old.shape }, () => ({ structuredContent: { a: 1 } }))
`

const PACKAGES = [
  'arktype',
  '@ark',
  'arkregex',
  '@sinclair/typebox',
  'typebox',
  'valibot',
  'zod-3.22',
  'zod-3.25',
  'zod-4.0',
]

test('types are inferred from zod 3.22, 3.25, 4.0 and mini, valibot, arktype and TypeBox', async () => {
  const cwd = await project({ files: { 'server.ts': SOURCE } })
  const from = join(await installed('schemas'), 'node_modules')
  for (const name of PACKAGES) cpSync(join(from, name), join(cwd, 'node_modules', name), { recursive: true })
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const options = [
    '--noEmit',
    '--strict',
    '--skipLibCheck',
    '--module',
    'nodenext',
    '--target',
    'es2024',
    '--pretty',
    'false',
  ]
  expect(await run(process.execPath, [tsc, ...options, 'server.ts'], { cwd })).toBe('')
})
