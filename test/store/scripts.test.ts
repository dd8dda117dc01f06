/** The definition of a Redis script: the Lua and the order that it generates, and calls that must not compile. */
import { describe, expect, expectTypeOf, test } from 'vitest'
import type { Commands } from '../../lib/store/redis/commands.ts'
import { claim, lookCall } from '../../lib/store/redis/scripts/calls.ts'
import { scripts } from '../../lib/store/redis/scripts/index.ts'
import { defineScript } from '../../lib/store/redis/scripts/script.ts'

const echo = defineScript('mcpEcho', {
  keys: ['session', 'log'],
  texts: ['stream', 'holder'],
  numbers: ['n'],
  flags: ['final'],
  lists: ['messages', 'asks'],
  reply: String,
  lua: 'return stream',
})

describe('a script', () => {
  test('begins with its keys, arguments and lists under their names', () => {
    expect(echo.lua.split('\n')).toEqual([
      'local session = KEYS[1]',
      'local log = KEYS[2]',
      'local stream = ARGV[1]',
      'local holder = ARGV[2]',
      'local n = tonumber(ARGV[3])',
      "local final = ARGV[4] == '1'",
      'local offset = 6',
      'local function items(length)',
      '  local found = {}',
      '  for i = 1, length do found[i] = ARGV[offset + i] end',
      '  offset = offset + length',
      '  return found',
      'end',
      'local messages = items(ARGV[5])',
      'local asks = items(ARGV[6])',
      'return stream',
    ])
    expect(echo.numberOfKeys).toBe(2)
  })

  test('gets them in the order of its head, in any order of the caller', () => {
    const given = { asks: ['q'], messages: ['a', 'b'], final: true, n: 3, holder: '', stream: 'S', key: 'k' }
    const keys = ['mcp:{k}', 'mcp:{k}:log:S']
    expect(echo.order(given)).toEqual([...keys, 'S', '', 3, '1', 2, 1, 'a', 'b', 'q'])
    expect(echo.order({ ...given, final: false, asks: [] })).toEqual([...keys, 'S', '', 3, '', 2, 0, 'a', 'b'])
  })

  test('numbers its arguments in its head only', () => {
    expect(Object.keys(scripts)).toHaveLength(29)
    for (const [name, { lua }] of Object.entries(scripts)) {
      const body = lua.split('\n').filter((line) => !line.startsWith('local '))
      expect(
        body.filter((line) => /(KEYS|ARGV)\[(?!offset)/.test(line)),
        name,
      ).toEqual([])
    }
  })
})

test('a call with a missing, misspelled or swapped argument does not compile', () => {
  expectTypeOf((commands: Commands) => {
    const given = { key: 'k', stream: 'S', expected: 'i1:r1', owner: 'i2:r2', open: 1 }
    void commands.script(claim, given)
    // @ts-expect-error: the session's key is missing.
    void commands.script(claim, { stream: 'S', expected: 'i1:r1', owner: 'i2:r2', open: 1 })
    // @ts-expect-error: an argument is missing.
    void commands.script(claim, { key: 'k', stream: 'S', expected: 'i1:r1', owner: 'i2:r2' })
    // @ts-expect-error: an argument is misspelled.
    void commands.script(claim, { key: 'k', stream: 'S', expected: 'i1:r1', ownr: 'i2:r2', open: 1 })
    // @ts-expect-error: two arguments are swapped.
    void commands.script(claim, { key: 'k', stream: 'S', expected: 'i1:r1', owner: 1, open: 'i2:r2' })
    // @ts-expect-error: the script has no such argument.
    void commands.script(claim, { key: 'k', stream: 'S', expected: 'i1:r1', owner: 'i2:r2', open: 1, more: 1 })
    // @ts-expect-error: a text takes the place of a list.
    void commands.script(lookCall, { key: 'k', stream: 'S', owner: 'i1:r1', lifetime: 1, open: 1, asks: 'q' })
    // @ts-expect-error: there is no such key.
    defineScript('mcpOther', { keys: ['sesion'], reply: String, lua: '' })
  }).toBeFunction()
})
