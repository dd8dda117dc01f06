/** The arguments of `serve`, and the settings of the project beside them. */
import { expect, test } from 'vitest'
import { readServeOptions } from '../../../lib/cli/serve/options.ts'
import type { ServeConfig } from '../../../lib/mcp-config.ts'

const read = (args: string[], config?: ServeConfig) => readServeOptions({ usage: '' }, args, config)

test('what is after -- belongs to the program', () => {
  const options = read(['@a/b', '--bin', 'x', '--env', 'A=1', '--env', 'B=x=y', '--', '--isolate', 'none', '--', 'c'])
  expect(options).toMatchObject({ named: '@a/b', bin: 'x', isolate: undefined, args: ['--isolate', 'none', '--', 'c'] })
  expect(options.env).toEqual({ A: '1', B: 'x=y' })
  expect([options.open, options.wait]).toEqual([false, 60_000])
})

const config: ServeConfig = {
  package: '@a/b',
  args: ['one'],
  env: { A: '0', C: '2' },
  isolate: 'session',
  open: true,
  wait: 5,
  tools: { add: { readOnly: true } },
}

test('the command line comes before the settings of the project', () => {
  expect(read([], config)).toMatchObject({ named: '@a/b', args: ['one'], isolate: 'session', open: true, wait: 5_000 })
  const options = read(['@a/b', '--isolate', 'none', '--env', 'A=1', '--', 'two'], config)
  expect(options).toMatchObject({ args: ['two'], isolate: 'none', env: { A: '1', C: '2' } })
  expect(options.official.tools).toEqual({ add: { readOnly: true } })
})

test('the settings for one program are not those of another one', () => {
  const options = read(['@c/d'], config)
  expect(options).toMatchObject({ named: '@c/d', args: [], env: {}, open: false, isolate: undefined })
  expect(options.official.tools).toBeUndefined()
})

test.each([
  [['x', '--isolate', 'user'], /^--isolate user does not exist; there are session and none\./],
  [['x', '--wait', 'long'], /^--wait must be a number of seconds up to 3600, not "long"\.$/],
  [['x', '--env', 'A'], /^--env must be NAME=value, not "A"\.$/],
  [['x', 'y'], /^"y" is one argument too many\./],
  [['x', '--port', '3'], /^Unknown option '--port'\./],
  [[], /^What is to be served\? Name a package or a file/],
])('%j fails with one line', (args, expected) => {
  expect(() => read(args)).toThrow(expected)
})
