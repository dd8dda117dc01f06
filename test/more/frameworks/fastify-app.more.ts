/** The Fastify example, in a project that has the package and Fastify: it compiles, and the official clients use it. */
import { cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { clients } from '../../examples/clients.ts'
import { Example } from '../../examples/process.ts'
import { project } from '../support/project.ts'
import { run } from '../support/run.ts'

const root = join(import.meta.dirname, '../../..')
const read = (name: string) => readFileSync(join(root, name), 'utf8')

const SETTINGS = {
  compilerOptions: {
    target: 'es2024',
    module: 'nodenext',
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    allowImportingTsExtensions: true,
    skipLibCheck: true,
    types: ['node'],
  },
}

let example: Example | undefined
afterAll(async () => expect(await example?.end()).toBe(0))

test('fastify-app.ts compiles, and every official client gets progress beside the routes of the app', async () => {
  const folder = await project({
    check: 'frameworks',
    packages: 'all',
    files: {
      'fastify-app.ts': read('examples/fastify-app.ts'),
      'tools-and-progress.ts': read('examples/tools-and-progress.ts'),
      'tsconfig.json': JSON.stringify(SETTINGS),
    },
  })
  for (const name of ['zod', '@types/node', 'undici-types']) {
    cpSync(join(root, 'node_modules', name), join(folder, 'node_modules', name), { recursive: true })
  }
  await run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', '.'], { cwd: folder })
  example = await Example.run([join(folder, 'fastify-app.ts')])
  for (const [, connect] of clients) {
    const client = await connect(example.url)
    const events: string[] = []
    const { text } = await client.call('translate', { texts: ['one', 'two'] }, (message) => events.push(message))
    expect([text, ...events]).toEqual(['ONE\nTWO', 'translated "one"', 'translated "two"'])
    await client.close()
  }
  const headers = { 'content-type': 'application/json' }
  const echo = await fetch(example.at('/echo'), { method: 'POST', headers, body: '{"a":1}' })
  expect(await echo.text()).toBe('{"a":1}')
})
