/** A server for each release of each schema library, in a project that has installed nothing else. */
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { installed } from '../support/installed.ts'
import { project } from '../support/project.ts'

export interface Library {
  name: string
  /** The folder in `node_modules`, by the name in the lock of this check. */
  packages: Readonly<Record<string, string>>
  imports: string
  /** A text of two or more characters, which is described, and an integer that may be missing. */
  input: string
  /** An object with the text `word`. */
  output: string
  /** A choice of two colors. */
  form: string
  /** Of the server, with the comma before them. */
  options?: string
}

const zod = (fields: string, object: 'object' | 'shape') => (object === 'object' ? `z.object(${fields})` : fields)

/** zod 3 and 4 have the same calls for these schemas. */
function ofZod(name: string, packages: Library['packages'], from: string, object: 'object' | 'shape'): Library {
  return {
    name,
    packages,
    imports: `import { z } from '${from}'`,
    input: zod(`{ word: z.string().min(2).describe('A word'), n: z.number().int().optional() }`, object),
    output: zod('{ word: z.string() }', object),
    form: zod(`{ color: z.enum(['red', 'blue']) }`, object),
  }
}

function ofMini(name: string, packages: Library['packages'], object: 'object' | 'shape'): Library {
  const described = name.includes('4.0')
    ? `.register(z.globalRegistry, { description: 'A word' })`
    : `.check(z.describe('A word'))`
  return {
    name,
    packages,
    imports: `import * as z from 'zod/mini'`,
    input: zod(`{ word: z.string().check(z.minLength(2))${described}, n: z.optional(z.int()) }`, object),
    output: zod('{ word: z.string() }', object),
    form: zod(`{ color: z.enum(['red', 'blue']) }`, object),
  }
}

const zod3 = (release: string) => ({ zod: `zod-${release}`, 'zod-to-json-schema': `zod-to-json-schema-${release}` })

const TYPEBOX = {
  input: `Type.Object({ word: Type.String({ minLength: 2, description: 'A word' }), n: Type.Optional(Type.Integer()) })`,
  output: 'Type.Object({ word: Type.String() })',
  form: `Type.Object({ color: Type.Union([Type.Literal('red'), Type.Literal('blue')]) })`,
}

export const LIBRARIES: readonly Library[] = [
  ofZod('zod 3.22', zod3('3.22'), 'zod', 'object'),
  ofZod('shapes of zod 3.22', zod3('3.22'), 'zod', 'shape'),
  ofZod('zod 3.23', zod3('3.23'), 'zod', 'object'),
  ofZod('zod 3.24', zod3('3.24'), 'zod', 'object'),
  ofZod('zod 3.25', zod3('3.25'), 'zod', 'object'),
  ofZod('shapes of zod 3.25', zod3('3.25'), 'zod', 'shape'),
  ofZod('zod 4 of zod 3.25', { zod: 'zod-3.25' }, 'zod/v4', 'object'),
  ofZod('zod 4.0', { zod: 'zod-4.0' }, 'zod', 'object'),
  ofZod('shapes of zod 4.0', { zod: 'zod-4.0' }, 'zod', 'shape'),
  ofMini('zod/mini 4.0', { zod: 'zod-4.0' }, 'shape'),
  ofZod('zod 4.1', { zod: 'zod-4.1' }, 'zod', 'object'),
  ofZod('zod 4.6', { zod: 'zod-4.6' }, 'zod', 'object'),
  ofMini('zod/mini 4.6', { zod: 'zod-4.6' }, 'object'),
  {
    ...ofZod('zod 3.25 and 4.0 in one shape', { zod: 'zod-4.0', ...only3('3.25') }, 'zod', 'shape'),
    imports: `import { z } from 'zod'\nimport { z as z3 } from 'zod3'`,
    input: `{ word: z.string().min(2).describe('A word'), n: z3.number().int().optional() }`,
    output: 'z3.object({ word: z3.string() })',
  },
  {
    name: 'valibot',
    packages: { valibot: 'valibot', '@valibot/to-json-schema': '@valibot/to-json-schema' },
    imports: `import * as v from 'valibot'`,
    input: `v.object({
      word: v.pipe(v.string(), v.minLength(2), v.description('A word')),
      n: v.optional(v.pipe(v.number(), v.integer())),
    })`,
    output: '{ word: v.string() }',
    form: `v.object({ color: v.picklist(['red', 'blue']) })`,
  },
  {
    name: 'arktype',
    packages: { arktype: 'arktype', '@ark': '@ark', arkregex: 'arkregex' },
    imports: `import { type } from 'arktype'`,
    input: `type({ word: type('string >= 2').configure({ description: 'A word' }), 'n?': 'number.integer' })`,
    output: `{ word: type('string') }`,
    form: `type({ color: "'red' | 'blue'" })`,
  },
  {
    name: 'TypeBox 0.34',
    packages: { '@sinclair/typebox': '@sinclair/typebox' },
    imports: `import { Type } from '@sinclair/typebox'`,
    ...TYPEBOX,
  },
  { name: 'TypeBox 1', packages: { typebox: 'typebox' }, imports: `import { Type } from 'typebox'`, ...TYPEBOX },
  {
    name: 'plain JSON Schema',
    packages: {},
    imports: '',
    input: `{
      type: 'object',
      properties: { word: { type: 'string', minLength: 2, description: 'A word' }, n: { type: 'integer' } },
      required: ['word'],
    }`,
    output: `{ type: 'object', properties: { word: { type: 'string' } }, required: ['word'] }`,
    form: `{ type: 'object', properties: { color: { type: 'string', enum: ['red', 'blue'] } }, required: ['color'] }`,
  },
]

/** zod 3 under another name, beside the zod of the project. */
function only3(release: string): Library['packages'] {
  return { zod3: `zod-${release}`, 'zod-to-json-schema': `zod-to-json-schema-${release}` }
}

const serverOf = ({ imports, input, output, form, options = '' }: Library) => `import { McpServer } from 'mcp-anywhere'
${imports}
export const server = new McpServer({ name: 'schemas', version: '1' }${options})
server.registerTool('given', { inputSchema: ${input}, outputSchema: ${output} }, ({ word, n = 1 }) => ({
  structuredContent: { word: word.repeat(n) },
}))
server.registerTool('ask', {}, async (ctx) => {
  const { content } = await ctx.elicit('Which?', ${form})
  return { content: [{ type: 'text', text: content.color }] }
})
`

const MAIN = `import { listen } from 'mcp-anywhere/node'
import { server } from './server.js'
await listen(server)
`

/** Makes the project of a library, and returns its folder. */
export async function projectOf(library: Library, files: Record<string, string> = {}): Promise<string> {
  const own = { 'server.js': serverOf(library), 'main.js': MAIN, ...files }
  const folder = await project({ check: 'schemas', packages: ['esbuild', '@esbuild'], files: own })
  const from = join(await installed('schemas'), 'node_modules')
  for (const [name, alias] of Object.entries(library.packages)) {
    cpSync(join(from, alias), join(folder, 'node_modules', name), { recursive: true })
  }
  return folder
}
