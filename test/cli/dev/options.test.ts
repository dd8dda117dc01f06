/** The arguments of `dev`. */
import { expect, test } from 'vitest'
import { readOptions as read } from '../../../lib/cli/dev/options.ts'

const readOptions = (args: string[]) => read({ usage: '[server.ts]' }, args)

test('two instances are the default, one with --inspect', () => {
  expect(readOptions([])).toEqual({ server: undefined, port: undefined, instances: 2, inspect: undefined })
  expect(readOptions(['a.ts', '--port', '4000'])).toMatchObject({ server: 'a.ts', port: '4000' })
  expect(readOptions(['--inspect', 'a.ts'])).toMatchObject({ server: 'a.ts', instances: 1, inspect: '9229' })
  expect(readOptions(['--inspect=0.0.0.0:9300'])).toMatchObject({ instances: 1, inspect: '0.0.0.0:9300' })
  expect(readOptions(['--inspect=9300', '--instances', '1'])).toMatchObject({ instances: 1, inspect: '9300' })
})

test.each([
  [['a.ts', 'b.ts'], /"b\.ts" is one argument too many/],
  [['--instances', '0'], /--instances must be .*"0"/],
  [['--instances', 'two'], /--instances must be .*"two"/],
  [['--inspect', '--instances', '2'], /--inspect serves one instance/],
  [['--inspect=here'], /--inspect must be a port/],
  [['--watch'], /--watch/],
])('%j is refused in one line', (args, reason) => {
  expect(() => readOptions(args)).toThrow(reason)
  expect(() => readOptions(args)).toThrow(/^[^\n]*$/)
  expect(() => readOptions(args)).toThrow(expect.objectContaining({ name: 'Failure' }))
})
