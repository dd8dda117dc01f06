/** Messages that are as long as they may be, where one part of the work could grow faster than the message. */
import type { Message } from './messages.ts'
import type { Random } from './random.ts'

const UNITS = [
  '{',
  '{a',
  '{a}',
  '{?',
  '{/',
  '%',
  '%41',
  '%7B',
  '/',
  '/..',
  '@',
  ':',
  ',',
  ';b=1',
  '&q=',
  '?q=',
  '#',
  '\u00e9',
  'a',
]
const SCHEMES = [
  '',
  'item://',
  'deep://',
  'deep://a?q=1',
  'several:',
  'several:/a;b=1',
  'https://example.com',
  'http://',
]

/** A URI of a length near the bound. */
function uri(random: Random, length = 8_192): string {
  const [scheme, unit, other] = [random.pick(SCHEMES), random.pick(UNITS), random.pick(UNITS)]
  const units = random.chance(0.5) ? unit : unit + other
  return (scheme + units.repeat(Math.ceil(length / units.length))).slice(0, length)
}

/** One item, or several kinds of them, so often that the whole has `size` characters. */
function many(random: Random, size: number): unknown[] {
  const items = [1, '', 'a', null, {}, [], { a: '' }, { b: 1 }, [[]], { a: 1, b: 1 }, 1e-7, '\ud800', { x: { x: {} } }]
  const some = Array.from({ length: 1 + random.below(3) }, () => random.pick(items))
  const each = JSON.stringify(some).length
  return Array.from({ length: Math.floor(size / each) }, () => some).flat()
}

function tree(random: Random, depth: number): object {
  if (depth === 0) return random.chance(0.5) ? {} : { wrong: 1 }
  return { left: tree(random, depth - 1), ...(random.chance(0.8) && { right: tree(random, depth - 1) }) }
}

/** An object of about `size` characters: few long names or many short ones. */
function named(random: Random, size: number): object {
  const count = random.pick([1, 3, 100, size / 20])
  const length = random.pick([4, (size / count) * 0.5])
  const values = many(random, (size / count) * 0.4)
  const fill = random.pick(['k', '/', '~', '"'])
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`${i}`.padEnd(length, fill), values]))
}

type Make = (random: Random, size: number) => Omit<Message, 'jsonrpc' | 'id'>
const call = (name: string, args: object) => ({ method: 'tools/call', params: { name, arguments: args } })

const ATTACKS: readonly Make[] = [
  (random) => ({ method: 'resources/read', params: { uri: uri(random) } }),
  (random) => ({ method: 'resources/subscribe', params: { uri: uri(random, 2_048) } }),
  (random) => ({
    method: 'completion/complete',
    params: { ref: { type: 'ref/resource', uri: uri(random) }, argument: { name: 'id', value: 'x' } },
  }),
  (random, size) => {
    const uris = Array.from({ length: Math.floor(size / 600) }, () => uri(random, 500))
    return { method: 'subscriptions/listen', params: { notifications: { resourceSubscriptions: uris } } }
  },
  (random, size) => call('nested', { list: many(random, size), map: {} }),
  (random, size) => call('nested', { list: [], map: named(random, size) }),
  (random, size) => call('plain', { map: named(random, size) }),
  (random, size) => call('plain', { unique: many(random, size) }),
  (random, size) => call('plain', { either: many(random, size) }),
  (random, size) => call('plain', named(random, size)),
  (random) => call('plain', { tree: tree(random, 1 + random.below(11)) }),
  (random, size) => {
    const value = (random.pick(['a', 'a-', 'a@', 'a.', ':', '0', '/', '(', '%']) + random.pick(UNITS)).repeat(size / 4)
    return call(random.pick(['plain', 'nested']), {
      code: value,
      when: value,
      link: value,
      mail: value,
      at: value,
      list: [],
      map: {},
    })
  },
  (random, size) => ({ method: 'prompts/get', params: { name: 'p1', arguments: named(random, size) } }),
  (random, size) => {
    const context = { arguments: named(random, size) }
    return {
      method: 'completion/complete',
      params: { ref: { type: 'ref/prompt', name: 'p1' }, argument: { name: 'a', value: 'a' }, context },
    }
  },
  (random, size) => ({
    method: 'tools/call',
    params: { name: 'ask', inputResponses: named(random, size), requestState: 'x'.repeat(size / 2) },
  }),
  (random, size) => ({ method: 'ping', params: { _meta: named(random, size) } }),
  (random, size) => ({ method: 'notifications/progress', params: named(random, size) as Record<string, unknown> }),
]

/** An attack under 64 KiB. */
export function attack(random: Random): Message {
  return { jsonrpc: '2.0', id: random.pick([1, 'a', 'x'.repeat(1_024)]), ...random.pick(ATTACKS)(random, 50_000) }
}

/** Several, of which each is short, in the one body of a batch. */
export function attacks(random: Random): Message[] {
  const make = random.pick(ATTACKS)
  return Array.from({ length: 50 }, (_, i) => ({
    jsonrpc: '2.0',
    id: `a${i}`.padEnd(1_024, 'x'),
    ...make(random, 1_000),
  }))
}
