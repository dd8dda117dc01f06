/** `npm run release`: versions and tags from the changelog. */
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { root } from '../../tools/build.ts'
import { nextVersion, problemsOf, sectionOf, withRelease, withVersion } from '../../tools/release.ts'

const CHANGELOG =
  '# Changelog\n\n## [Unreleased]\n\n### Added\n\n- A thing.\n\n## [0.1.0] - 2026-01-02\n\n- The first.\n'

test.each([
  ['0.1.9', 'patch', false, '0.1.10'],
  ['0.1.9', 'minor', false, '0.2.0'],
  ['0.9.1', 'major', false, '1.0.0'],
  ['0.1.0', '0.10.0', false, '0.10.0'],
  ['0.1.0', '0.1.0', true, '0.1.0'],
])('after %s, %s (the first: %s) is %s', (current, wanted, first, version) => {
  expect(nextVersion(current, wanted, first)).toBe(version)
})

test.each([
  ['1.0', 'not "1.0"'],
  ['v1.0.0', 'not "v1.0.0"'],
  ['0.1.0', '0.1.0 is not newer than 0.1.0.'],
  ['0.0.9', '0.0.9 is not newer than 0.1.0.'],
])('%s is refused as a version', (wanted, reason) => {
  expect(() => nextVersion('0.1.0', wanted, false)).toThrow(reason)
})

test('what is unreleased gets a version, and the heading for what comes next stays', () => {
  const written = withRelease(CHANGELOG, '0.2.0', '2026-03-04')
  expect(written).toContain('## [Unreleased]\n\n## [0.2.0] - 2026-03-04\n\n### Added\n\n- A thing.\n\n## [0.1.0]')
  expect(sectionOf(written, 'Unreleased')).toBe('')
  expect(sectionOf(written, '0.2.0')).toBe('### Added\n\n- A thing.')
  expect(sectionOf(written, '0.3.0')).toBeUndefined()
  expect(() => withRelease(written, '0.3.0', '2026-03-05')).toThrow('lists nothing as unreleased')
  expect(() => withRelease(CHANGELOG, '0.1.0', '2026-03-04')).toThrow('has a section of 0.1.0 already')
})

test('a tag that is published fits the manifest and the changelog', () => {
  const written = withRelease(CHANGELOG, '0.2.0', '2026-03-04')
  expect(problemsOf('v0.2.0', '0.2.0', written)).toEqual([])
  expect(problemsOf('v0.2.1', '0.2.0', written)).toEqual(['The tag is v0.2.1, and package.json has the version 0.2.0.'])
  expect(problemsOf('v0.2.0', '0.2.0', CHANGELOG)).toEqual([
    'CHANGELOG.md has no section of 0.2.0.',
    'CHANGELOG.md still lists something as unreleased.',
  ])
})

test('a lock gets the version of its package and keeps those of others', () => {
  const text = readFileSync(join(root, 'package-lock.json'), 'utf8')
  const { version, packages, ...others } = JSON.parse(withVersion(text, '9.9.9'))
  const before = JSON.parse(text)
  expect([version, packages[''].version]).toEqual(['9.9.9', '9.9.9'])
  packages[''].version = before.version
  expect({ ...others, version: before.version, packages }).toEqual(before)
})

test('the changelog of the repository lists what is unreleased, or is that of the version in package.json', () => {
  const changelog = readFileSync(join(root, 'CHANGELOG.md'), 'utf8')
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  expect(sectionOf(changelog, 'Unreleased') || sectionOf(changelog, version)).toBeTruthy()
})

test('the command commits and tags a version, and refuses a worktree with changes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-anywhere-release-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const git = (...args: string[]) => execFileSync('git', args, { cwd: folder, encoding: 'utf8' }).trim()
  mkdirSync(join(folder, 'create'))
  for (const name of ['package.json', 'package-lock.json', 'create/package.json'])
    cpSync(join(root, name), join(folder, name))
  writeFileSync(join(folder, 'CHANGELOG.md'), '# Changelog\n\n## [Unreleased]\n\n- All of it.\n')
  git('init', '--quiet')
  git('config', 'user.name', 'A')
  git('config', 'user.email', 'a@example.com')
  git('add', '.')
  git('commit', '--quiet', '--message', 'The beginning')
  const release = (...args: string[]) => {
    const program = join(root, 'tools/release.ts')
    const { status, stdout, stderr } = spawnSync(process.execPath, [program, '--folder', folder, ...args], {
      encoding: 'utf8',
    })
    return { status, stdout: stdout.trim(), stderr: stderr.trim() }
  }
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  writeFileSync(join(folder, 'new'), '')
  expect(release(version)).toMatchObject({ status: 1, stderr: expect.stringContaining('The worktree has changes') })
  rmSync(join(folder, 'new'))
  expect(release('--check', `v${version}`)).toMatchObject({ status: 1 })
  expect(release(version)).toMatchObject({ status: 0, stdout: expect.stringContaining('git push --follow-tags') })
  expect(git('describe')).toBe(`v${version}`)
  expect(git('log', '-1', '--format=%s')).toBe(`Version ${version}`)
  expect(release('--check', `v${version}`)).toEqual({ status: 0, stdout: '', stderr: '' })
  expect(release('--notes', `v${version}`).stdout).toBe('- All of it.')
  git('commit', '--quiet', '--allow-empty', '--message', 'Something else')
  expect(release('--commits').stdout).toBe('Something else')
  expect(release('minor')).toMatchObject({ status: 1, stderr: 'CHANGELOG.md lists nothing as unreleased.' })
})
