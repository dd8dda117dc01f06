/** Schemas of every library in the releases that authors use: in a process of their own, and in the bundle for Lambda. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { compileSchema } from '../../../lib/server/schema/schema.ts'
import { startLambda } from '../../lambda/emulator.ts'
import { ask, retry, tool } from '../../stateless/requests.ts'
import { installed } from '../support/installed.ts'
import { run } from '../support/run.ts'
import { served } from '../support/served.ts'
import { LIBRARIES, type Library, projectOf } from './projects.ts'

const CLI = 'node_modules/mcp-anywhere/dist/cli/main.js'

async function expectServed(url: URL): Promise<void> {
  const { tools } = (await ask(url, { method: 'tools/list' })).result
  const [{ inputSchema, outputSchema }] = tools
  expect(inputSchema).toMatchObject({
    type: 'object',
    properties: { word: { type: 'string', minLength: 2, description: 'A word' }, n: { type: 'integer' } },
    required: ['word'],
  })
  expect(outputSchema).toMatchObject({ type: 'object', properties: { word: { type: 'string' } }, required: ['word'] })

  const fits = await ask(url, tool('given', { word: 'ab', n: 2 }))
  expect(fits.result).toMatchObject({ structuredContent: { word: 'abab' } })
  expect((await ask(url, tool('given', { word: 'ab' }))).result).toMatchObject({ structuredContent: { word: 'ab' } })
  const misfits = await ask(url, tool('given', { word: 'a', n: 'x' }))
  expect(misfits.result).toMatchObject({ isError: true })
  expect(misfits.result.content[0].text).toMatch(/word: .*n: /s)

  const question = await ask(url, tool('ask'))
  const [key, { params }] = Object.entries(question.result.inputRequests)[0] as [string, { params: object }]
  expect(params).toMatchObject({
    requestedSchema: {
      type: 'object',
      properties: { color: { type: 'string', enum: expect.arrayContaining(['red', 'blue']) } },
      required: ['color'],
    },
  })
  const answer = (color: string) => ({ [key]: { action: 'accept', content: { color } } })
  const answered = await ask(url, retry(tool('ask'), question, answer('blue')))
  expect(answered.result.content[0].text).toBe('blue')
  expect((await ask(url, retry(tool('ask'), question, answer('green')))).result).toMatchObject({ isError: true })
}

describe.each(LIBRARIES)('$name', (library) => {
  test('is served from its source', async () => {
    const folder = await projectOf(library)
    const { url } = await served(process.execPath, ['main.js'], folder)
    await expectServed(url)
  })

  test('is served from the bundle for Lambda, which has nothing beside it', async () => {
    const folder = await projectOf(library)
    await run(process.execPath, [CLI, 'build', 'server.js', '--target', 'lambda'], { cwd: folder })
    const deployed = mkdtempSync(join(tmpdir(), 'mcp-anywhere-deployed-'))
    onTestFinished(() => rmSync(deployed, { recursive: true, force: true }))
    cpSync(join(folder, 'dist'), deployed, { recursive: true })
    // Each request may reach another environment: the key opens the state of a question in all of them.
    const env = { MCP_SECRET: Buffer.alloc(32, 7).toString('base64') }
    const lambda = await startLambda({ task: join(deployed, 'lambda'), env })
    onTestFinished(() => lambda.stop())
    await expectServed(lambda.url)
  })
})

test.each(['zod-4.0', 'zod-4.1', 'zod-4.6'])(
  'a shape of %s takes missing members as its object does',
  async (release) => {
    const folder = join(await installed('schemas'), 'node_modules', release)
    const { z } = (await import(join(folder, 'index.js'))) as typeof import('zod')
    const fields = {
      any: z.any(),
      unknown: z.unknown(),
      catch: z.string().catch('x'),
      optionalCatch: z.string().optional().catch('x'),
      preprocess: z.preprocess((text) => text ?? 'x', z.string()),
      preprocessOptional: z.preprocess((text) => text ?? 'x', z.string().optional()),
      coerce: z.coerce.string(),
      default: z.string().default('x'),
      optionalDefault: z.string().default('x').optional(),
      lazy: z.lazy(() => z.string().optional()),
      required: z.string(),
    }
    for (const [name, field] of Object.entries(fields)) {
      const { success, data } = z.object({ [name]: field }).safeParse({})
      const checked = await compileSchema({ [name]: field }, 'input', release, () => ({})).check({})
      expect([name, checked.ok, checked.ok ? checked.value : undefined]).toEqual([name, success, data])
    }
  },
)

describe('a converter that is missing', () => {
  const libraryOf = (name: string) => LIBRARIES.find((each) => each.name === name) as Library
  const without = (name: string, converter: string, packages = {}) => {
    const library = libraryOf(name)
    const others = Object.entries(library.packages).filter(([folder]) => folder !== converter)
    return { ...library, packages: { ...Object.fromEntries(others), ...packages } }
  }

  test.each([
    ['zod 3.22', 'zod-to-json-schema', 'npm install zod-to-json-schema@3.22'],
    ['zod 3.23', 'zod-to-json-schema', 'npm install zod-to-json-schema@3.23'],
    ['zod 3.24', 'zod-to-json-schema', 'npm install zod-to-json-schema@3.24'],
    ['zod 3.25', 'zod-to-json-schema', 'npm install zod-to-json-schema@3.25'],
    ['valibot', '@valibot/to-json-schema', 'npm install @valibot/to-json-schema'],
  ])('for %s stops the start with the command that installs the release that fits', async (name, converter, cure) => {
    const folder = await projectOf(without(name, converter))
    await expect(run(process.execPath, ['main.js'], { cwd: folder })).rejects.toThrow(
      new RegExp(`Tool "given": inputSchema is a schema of .*is not installed\\. Run ${cure}, or`),
    )
  })

  test('or does not fit the zod beside it stops the start in the same way', async () => {
    const wrong = { 'zod-to-json-schema': 'zod-to-json-schema-3.25' }
    const folder = await projectOf(without('zod 3.22', 'zod-to-json-schema', wrong))
    const failure =
      /zod-to-json-schema writes, and that does not fit it \(.*v3.*\)\. Run npm install zod-to-json-schema@3\.22,/
    await expect(run(process.execPath, ['main.js'], { cwd: folder })).rejects.toThrow(failure)
    // The bundle can be built: other schemas of the server may need no converter.
    await run(process.execPath, [CLI, 'build', 'server.js', '--target', 'node'], { cwd: folder })
    await expect(run(process.execPath, ['dist/node/server.mjs'], { cwd: folder })).rejects.toThrow(failure)
  })

  test('is not needed with the option toJsonSchema', async () => {
    const library = without('zod 3.25', 'zod-to-json-schema', { converter: 'zod-to-json-schema-3.25' })
    const imports = `${library.imports}\nimport { zodToJsonSchema } from 'converter'`
    const folder = await projectOf({
      ...library,
      imports,
      options: ', { toJsonSchema: (schema) => zodToJsonSchema(schema) }',
    })
    const { url } = await served(process.execPath, ['main.js'], folder)
    await expectServed(url)
  })
})
