/**
 * Versions and tags: `npm run release -- minor` (or patch, major, 1.2.3) gives what CHANGELOG.md lists as unreleased a version: in the
 * changelog, in the manifests, in a commit and in a tag. Nothing is pushed or published: the tag's workflow publishes.
 *
 * `-- --commits` prints the subjects since the last tag, from which the changelog is written. `-- --check v1.2.3` exits with 1
 * where the tag does not fit the manifests and the changelog. `-- --notes v1.2.3` prints the section of a version.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

/** The checkout. Not that of build.ts, which loads the whole build. */
const root = join(import.meta.dirname, '..')

/** The manifests whose version is that of the release, and the lock. */
const MANIFESTS = ['package.json', 'package-lock.json', 'create/package.json']

const VERSION = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$/

/**
 * The version after `current`. The first release keeps the version that the manifests have had before it.
 *
 * @param wanted `patch`, `minor`, `major`, or the version itself
 * @throws Error for what is no version, and for one that is not newer
 */
export function nextVersion(current: string, wanted: string, first: boolean): string {
  const [major = 0, minor = 0, patch = 0] = current.split('.').map(Number)
  const steps: Record<string, string> = {
    patch: `${major}.${minor}.${patch + 1}`,
    minor: `${major}.${minor + 1}.0`,
    major: `${major + 1}.0.0`,
  }
  const version = steps[wanted] ?? wanted
  if (!VERSION.test(version))
    throw new Error(`A version is patch, minor, major or three numbers such as 1.2.3, not "${wanted}".`)
  const order = compare(version, current)
  if (order < 0 || (order === 0 && !first)) throw new Error(`${version} is not newer than ${current}.`)
  return version
}

function compare(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => version.split('.').map(Number))
  const different = left?.findIndex((number, i) => number !== right?.[i]) ?? -1
  return different < 0 ? 0 : (left?.[different] ?? 0) - (right?.[different] ?? 0)
}

const UNRELEASED = '## [Unreleased]'

/**
 * The changelog with what was unreleased under a version.
 *
 * @param date as in 2026-01-02
 * @throws Error where nothing is unreleased, or the version has a section already
 */
export function withRelease(changelog: string, version: string, date: string): string {
  if (sectionOf(changelog, version) !== undefined) throw new Error(`CHANGELOG.md has a section of ${version} already.`)
  if (!sectionOf(changelog, 'Unreleased')) throw new Error('CHANGELOG.md lists nothing as unreleased.')
  return changelog.replace(`${UNRELEASED}\n`, `${UNRELEASED}\n\n## [${version}] - ${date}\n`)
}

/** What the changelog says of a version, without the heading. Undefined: it has no such section. */
export function sectionOf(changelog: string, version: string): string | undefined {
  const sections = changelog.split(/^## /m).slice(1)
  const found = sections.find((section) => section.startsWith(`[${version}]`))
  return found?.slice(found.indexOf('\n')).trim()
}

/** A manifest or a lock with another version of its package; its other bytes are as they were. */
export function withVersion(text: string, version: string): string {
  const { version: old, packages } = JSON.parse(text)
  // A lock has the version twice: at its top and in the entry of the root.
  const times = packages === undefined ? 1 : 2
  let done = 0
  return text.replace(/"version": "[^"]*"/g, (member) =>
    done < times && member === `"version": "${old}"` && ++done ? `"version": "${version}"` : member,
  )
}

/** One line for each thing that a tag does not fit. */
export function problemsOf(tag: string, version: string, changelog: string): string[] {
  return [
    ...(tag === `v${version}` ? [] : [`The tag is ${tag}, and package.json has the version ${version}.`]),
    ...(sectionOf(changelog, version) ? [] : [`CHANGELOG.md has no section of ${version}.`]),
    ...(sectionOf(changelog, 'Unreleased') ? ['CHANGELOG.md still lists something as unreleased.'] : []),
  ]
}

/** @param folder a checkout */
function release(folder: string, wanted: string): string {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: folder, encoding: 'utf8' }).trim()
  const read = (name: string) => readFileSync(join(folder, name), 'utf8')
  if (git('status', '--porcelain') !== '') throw new Error('The worktree has changes: commit or remove them first.')
  const first = git('tag', '--list', 'v*') === ''
  const version = nextVersion(JSON.parse(read('package.json')).version, wanted, first)
  const [date = ''] = new Date().toISOString().split('T')
  writeFileSync(join(folder, 'CHANGELOG.md'), withRelease(read('CHANGELOG.md'), version, date))
  for (const name of MANIFESTS) writeFileSync(join(folder, name), withVersion(read(name), version))
  git('add', 'CHANGELOG.md', ...MANIFESTS)
  git('commit', '--quiet', '--message', `Version ${version}`)
  git('tag', '--annotate', `v${version}`, '--message', `Version ${version}`)
  return version
}

/** The subjects of the commits since the last tag, without merges, the oldest first. */
function subjects(folder: string): string {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: folder, encoding: 'utf8' }).trim()
  const [last] = git('tag', '--list', 'v*', '--sort=-version:refname').split('\n')
  return git('log', '--no-merges', '--reverse', '--format=%s', last ? `${last}..HEAD` : 'HEAD')
}

function main(args: string[]): number {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      commits: { type: 'boolean' },
      check: { type: 'string' },
      notes: { type: 'string' },
      folder: { type: 'string', default: root },
    },
  })
  const { folder, check, notes } = values
  const changelog = () => readFileSync(join(folder, 'CHANGELOG.md'), 'utf8')
  if (values.commits) {
    console.log(subjects(folder))
    return 0
  }
  if (check !== undefined) {
    const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    const problems = problemsOf(check, version, changelog())
    for (const problem of problems) console.error(problem)
    return problems.length > 0 ? 1 : 0
  }
  if (notes !== undefined) {
    const section = sectionOf(changelog(), notes.replace(/^v/, ''))
    if (section === undefined) throw new Error(`CHANGELOG.md has no section of ${notes}.`)
    console.log(section)
    return 0
  }
  const [wanted] = positionals
  if (wanted === undefined) throw new Error('npm run release -- patch | minor | major | 1.2.3')
  const version = release(folder, wanted)
  console.log(`v${version} is committed and tagged. Publish it: git push --follow-tags`)
  return 0
}

if (process.argv[1] === import.meta.filename) {
  try {
    process.exitCode = main(process.argv.slice(2))
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
  }
}
