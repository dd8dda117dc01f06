/** The TypeScript fences of README and docs compile as they stand. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { fencesOf, problemsOf, root } from './fences.ts'

test('every TypeScript fence of README.md and docs/ compiles', async () => {
  // The examples of docs/api are those of the JSDoc: parts of a program, which have no imports.
  const others = globSync('docs/**/*.md', { cwd: root }).filter((file) => !/^docs[\\/]api/.test(file))
  const documents = ['README.md', ...others]
  const fences = documents.flatMap((file) => fencesOf(file, readFileSync(join(root, file), 'utf8')))
  expect(fences.length).toBeGreaterThan(2)
  expect(await problemsOf(fences)).toEqual([])
})

const DOCUMENT = `# A document

\`\`\`ts
import { McpServer, doesNotExist } from 'mcp-anywhere'

const name: number = new McpServer({ name: 'a', version: '1' }).info.name
\`\`\`

- in a list
  \`\`\`typescript
  undeclared()
  \`\`\`

\`\`\`sh
not TypeScript
\`\`\`

\`\`\`ts
server.registerTool('right', {}, () => ({ content: [] }))
\`\`\`
`

test('a wrong fence is reported with the line of its document', async () => {
  const fences = fencesOf('docs/wrong.md', DOCUMENT)
  expect(fences.map(({ line }) => line)).toEqual([4, 11, 19])
  expect((await problemsOf(fences)).map((problem) => problem.replace(/: error .*?: /, ' ')).sort()).toEqual([
    "docs/wrong.md:11 Cannot find name 'undeclared'.",
    `docs/wrong.md:4 Module '"mcp-anywhere"' has no exported member 'doesNotExist'.`,
    "docs/wrong.md:6 Type 'string' is not assignable to type 'number'.",
  ])
})
