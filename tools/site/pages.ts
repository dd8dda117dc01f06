/** Which documents there are, and in which order the site shows them: that of docs/README.md. */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../build.ts'
import { isExternal, resolved } from './links.ts'

/** Every document, as a path from the root of the repository. */
export function documents(): string[] {
  const beside = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CODE_OF_CONDUCT.md', 'CHANGELOG.md']
  return [
    ...beside.filter((name) => existsSync(join(root, name))),
    ...globSync(['docs/**/*.md', 'examples/README.md', 'examples/*/README.md', 'create/README.md'], { cwd: root }),
  ].toSorted()
}

interface Group {
  title: string
  pages: { title: string; file: string }[]
}

/** The chapters of docs/README.md: each heading with the documents that its list links. */
export function groups(): Group[] {
  const file = 'docs/README.md'
  const text = readFileSync(join(root, file), 'utf8')
  return text
    .split(/^## /m)
    .slice(1)
    .map((section) => ({
      title: section.slice(0, section.indexOf('\n')),
      pages: [...section.matchAll(/^- \[([^\]]+)\]\(([^)]+)\)/gm)].flatMap(([, title = '', target = '']) =>
        isExternal(target) ? [] : [{ title, file: resolved(file, target).path }],
      ),
    }))
    .filter(({ pages }) => pages.length > 0)
}
