/** Hostile values: texts, numbers and JSON that readers get wrong, or that take long. */
import type { Random } from './random.ts'

/** Lengths around the bounds of texts. */
const LENGTHS = [63, 64, 65, 199, 200, 201, 255, 257, 1_023, 1_024, 1_025, 2_048, 2_049, 8_191, 8_193, 20_000]
const UNITS = [
  ...[
    'a',
    '{',
    '{a',
    '{a}',
    '%',
    '%41',
    '%2e',
    '../',
    '/',
    ':',
    '@',
    '!',
    '~',
    '.',
    '-',
    '0',
    '1:',
    ' ',
    '\t',
    '\0',
    '"',
    '\\',
  ],
  ...[
    '\u0085',
    '\u2028',
    '\ud800',
    '\udc00',
    '\u00e9',
    '\u{1f600}',
    'a@',
    'a.',
    '[:',
    '(a',
    '=',
    '&a=',
    ';a=',
    ',',
    '?',
    '#',
  ],
]
const TEXTS = [
  ...[
    '',
    ' ',
    'null',
    'undefined',
    'true',
    '0',
    '-1',
    'NaN',
    '__proto__',
    'constructor',
    'prototype',
    'toString',
    'hasOwnProperty',
  ],
  ...[
    'a\r\nSet-Cookie: x=1',
    'a\r\n\r\ndata: {}',
    'a\n\ndata: {"x":1}\n\n',
    '\ufeffa',
    '=?base64?w6k=?=',
    '=?base64?!?=',
  ],
  ...[
    'item://1',
    'item://%2e%2e%2f',
    'item://..',
    'ITEM://1',
    'file:///etc/passwd',
    'http://[::1',
    'javascript:1',
    'http://a@b:99999/',
  ],
  ...['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25', '2026-07-28', '2099-01-01', 'io.modelcontextprotocol/x'],
  ...['-----BEGIN', '$1', '%s%n', "' OR 1=1", '<script>', '*', '?', '.*', '(a+)+$', '\u001b[31m', '\u202e'],
]
const NUMBERS = [
  0,
  -0,
  -1,
  1,
  1.5,
  255,
  256,
  2 ** 31,
  2 ** 32,
  2 ** 53 - 1,
  2 ** 53,
  -(2 ** 53),
  1e21,
  1e308,
  -1e308,
  5e-324,
]

export function text(random: Random): string {
  if (random.chance(0.6)) return random.pick(TEXTS)
  return random.pick(UNITS).repeat(random.pick(LENGTHS)).slice(0, random.pick(LENGTHS))
}

/** Any JSON value. */
export function value(random: Random, depth = 2): unknown {
  return random.weighted<() => unknown>([
    [5, () => text(random)],
    [3, () => random.pick(NUMBERS)],
    [3, () => random.pick([null, true, false, [], {}, [[]], [null], [{}]])],
    [1, () => nested(random)],
    [1, () => long(random)],
    [depth > 0 ? 3 : 0, () => Array.from({ length: random.below(4) }, () => value(random, depth - 1))],
    [depth > 0 ? 4 : 0, () => object(random, depth)],
  ])()
}

function object(random: Random, depth: number): object {
  const members = Array.from({ length: random.below(5) }, () => [text(random), value(random, depth - 1)] as const)
  // Also the names that an object has already become members of its own.
  return Object.fromEntries(members)
}

function nested(random: Random): unknown {
  const levels = random.pick([5, 20, 55, 62, 63, 64, 65, 300])
  let made: unknown = random.pick([1, {}, []])
  for (let i = 0; i < levels; i++) made = random.chance(0.5) ? [made] : { a: made }
  return made
}

function long(random: Random): unknown {
  const length = random.pick([51, 100, 1_001, 5_000])
  const item = random.pick<unknown>([1, 'a', '', null, {}, [], { a: 1 }])
  if (random.chance(0.5)) return Array.from({ length }, (_, i) => (random.chance(0.01) ? i : item))
  return Object.fromEntries(Array.from({ length }, (_, i) => [`k${i}`, item]))
}
