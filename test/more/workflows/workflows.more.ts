/** The workflows of .github, by GitHub's own parser: keys, expressions, events and permissions are those that GitHub knows. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { beforeAll, expect, test } from 'vitest'
import { root } from '../../../tools/build.ts'
import { installed } from '../support/installed.ts'

/** What is used of the parser. */
interface Parser {
  NoOperationTraceWriter: new () => object
  parseWorkflow(file: { name: string; content: string }, trace: object): Parsed
  convertWorkflowTemplate(context: Parsed['context'], value: unknown): Promise<{ jobs?: { id: { value: string } }[] }>
}
interface Parsed {
  context: { errors: { getErrors(): { message: string }[] } }
  value?: unknown
}

let parser: Parser
beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-anywhere-workflows-'))
  const file = join(folder, 'parser.mjs')
  // Node does not import its JSON without being asked to, as bundlers do.
  await build({
    stdin: { contents: `export * from '@actions/workflow-parser'`, resolveDir: await installed('workflows') },
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile: file,
    logLevel: 'error',
  })
  parser = (await import(pathToFileURL(file).href)) as Parser
  rmSync(folder, { recursive: true })
})

const workflows = join(root, '.github/workflows')
const names = readdirSync(workflows)
const textOf = (name: string) => readFileSync(join(workflows, name), 'utf8')

async function parsed(content: string): Promise<{ errors: string[]; jobs: string[] }> {
  const { context, value } = parser.parseWorkflow(
    { name: 'workflow.yml', content },
    new parser.NoOperationTraceWriter(),
  )
  const { jobs = [] } = value === undefined ? {} : await parser.convertWorkflowTemplate(context, value)
  return { errors: context.errors.getErrors().map(({ message }) => message), jobs: jobs.map(({ id }) => id.value) }
}

test.each(names)('GitHub takes %s', async (name) => {
  const { errors, jobs } = await parsed(textOf(name))
  expect(errors).toEqual([])
  expect(jobs.length).toBeGreaterThan(0)
})

test.each([
  ['a key that it does not know', 'timeout-minutes', 'time-limit'],
  ['an expression of something that there is not', 'github.event_name', 'githup.event_name'],
  ['a permission that there is not', 'contents: read', 'contents: often'],
])('GitHub refuses %s', async (_what, from, to) => {
  const text = textOf('checks.yml')
  expect(text).toContain(from)
  expect((await parsed(text.replace(from, to))).errors).not.toEqual([])
})
