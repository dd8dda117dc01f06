/** `mcp-anywhere` itself: its help, its version, and commands that do not exist. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { root } from '../../tools/build.ts'
import { Project } from './project.ts'

const project = new Project({})
afterAll(() => project.remove())

test.each([['--help'], ['-h'], ['help'], []])('%s lists every command with its arguments', async (...args) => {
  const { code, stdout } = await project.run(...args)
  expect(code).toBe(0)
  const lines = stdout.split('\n').filter((line) => line.startsWith('  mcp-anywhere '))
  const names = lines.map((line) => /mcp-anywhere (\w+)/.exec(line)?.[1])
  expect(names).toEqual(
    expect.arrayContaining(['dev', 'start', 'serve', 'build', 'check', 'connect', 'instances', 'sessions', 'calls']),
  )
  expect(stdout).toContain('build [server.ts] [--target node|lambda] [--out dist]')
})

test('a command explains itself', async () => {
  const { code, stdout } = await project.run('start', '--help')
  expect([code, stdout.split('\n')[0]]).toEqual([0, 'Usage: mcp-anywhere start [server.ts] [--stdio]'])
})

test('--version is that of the package', async () => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  expect(await project.run('--version')).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' })
})

test.each([
  [['serv'], /^There is no command "serv"\. There are dev, start/],
  [['toString'], /^There is no command "toString"/],
  [['start', '--prot', '3'], /^Unknown option '--prot'\. Usage: mcp-anywhere start \[server\.ts\] \[--stdio\]$/],
  [['start', 'a.ts', 'b.ts'], /^"b\.ts" is one argument too many\. Usage: /],
  [['build', '--target'], /argument missing\. Usage: mcp-anywhere build/],
  [['build', '--target', 'cloud'], /^--target cloud does not exist; there are node and lambda\.$/],
  [['check'], /^The address is missing\. Usage: mcp-anywhere check https/],
  [['check', 'host/mcp'], /^"host\/mcp" is no address such as https:\/\/host\/mcp\.$/],
])('%o fails with one line', async (args, expected) => {
  const { code, stdout, stderr } = await project.run(...args)
  expect([code, stdout]).toEqual([1, ''])
  expect(stderr.trimEnd().split('\n')).toEqual([expect.stringMatching(expected)])
})
