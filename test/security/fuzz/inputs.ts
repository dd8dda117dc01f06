/** The inputs: each is one HTTP request, made from a seed, a number and what the clients were given. */
import { attack, attacks } from './attacks.ts'
import { anyMessage, asStateless, type Message, request, statelessHeaders } from './messages.ts'
import { changedBytes, changedJson, changedText } from './mutate.ts'
import type { Random } from './random.ts'
import { type Material, REVISIONS } from './target.ts'
import { text, value } from './values.ts'

export interface Input {
  kind: string
  endpoint: 'open' | 'guarded'
  method: string
  path: string
  headers: Record<string, string>
  body: string | Uint8Array | undefined
}

type Make = (random: Random, material: Material) => Partial<Input> & { message?: unknown }

const sessionOf = (random: Random, { sessions, foreign }: Material): Record<string, string> => {
  const revision = random.pick(REVISIONS)
  const id = random.weighted([
    [20, sessions[revision]],
    [1, 'unknown'],
    [1, foreign.session],
    [1, ''],
  ] as const)
  const named = random.chance(0.5) ? { 'mcp-protocol-version': revision } : {}
  return { 'mcp-session-id': id ?? '', ...named }
}

/** A message to the part of the endpoint that serves it, with `changes` changes. */
function sent(random: Random, material: Material, message: Message, changes: number): ReturnType<Make> {
  const stateless = random.chance(0.35)
  const whole = stateless ? asStateless(message) : message
  let changed: unknown = whole
  for (let i = 0; i < changes; i++) changed = changedJson(random, changed)
  if (stateless) {
    // The headers repeat the changed body, so that it is read to its end, or the one before.
    const params = (changed as Message | null)?.params
    const readable = typeof params === 'object' && params !== null
    const headers = statelessHeaders(readable && random.chance(0.8) ? (changed as Message) : whole)
    return { headers, message: changed }
  }
  if (random.chance(0.15)) return { path: material.legacy, message: changed }
  return { headers: sessionOf(random, material), message: changed }
}

const changesOf = (random: Random) =>
  random.weighted([
    [1, 0],
    [4, 1],
    [2, 2],
    [1, 5],
  ] as const)

const KINDS: [weight: number, kind: string, make: Make][] = [
  [30, 'message', (random, material) => sent(random, material, anyMessage(random, material), changesOf(random))],
  [
    8,
    'bytes',
    (random, material) => {
      const input = sent(random, material, anyMessage(random, material), random.below(2))
      return { ...input, message: undefined, body: changedBytes(random, JSON.stringify(input.message) ?? '') }
    },
  ],
  [2, 'attack', (random, material) => sent(random, material, attack(random), 0)],
  [
    0.3,
    'attacks',
    (random, { sessions }) => ({
      headers: { 'mcp-session-id': sessions['2025-03-26'] ?? '' },
      message: attacks(random),
    }),
  ],
  [
    10,
    'batch',
    (random, material) => {
      const length = random.pick([0, 1, 2, 3, 8, 49, 50, 51, 200])
      const batch: unknown[] = Array.from({ length }, () => batched(random, material))
      for (let i = random.below(3); i > 0 && length > 0; i--) {
        const at = random.below(length)
        batch[at] = changedJson(random, batch[at])
      }
      const headers = random.chance(0.8)
        ? { 'mcp-session-id': material.sessions['2025-03-26'] ?? '' }
        : sessionOf(random, material)
      return { headers, message: batch }
    },
  ],
  [14, 'headers', (random, material) => headers(random, material)],
  [
    5,
    'id',
    (random, material) => {
      const given = random.chance(0.5) ? text(random) : value(random)
      const message = request(random, material)
      const member = random.pick(['id', 'progressToken', 'requestId'])
      if (member === 'id') return sent(random, material, { ...message, id: given }, 0)
      if (member === 'progressToken') {
        return sent(random, material, { ...message, params: { ...message.params, _meta: { progressToken: given } } }, 0)
      }
      const params = { requestId: given, reason: text(random) }
      return sent(random, material, { jsonrpc: '2.0', method: 'notifications/cancelled', params }, 0)
    },
  ],
  [
    5,
    'cursor',
    (random, material) => {
      const cursor = random.chance(0.7) ? changedText(random, material.cursor) : value(random)
      const message = request(random, material, [
        'tools/list',
        'prompts/list',
        'resources/list',
        'resources/templates/list',
      ])
      return sent(random, material, { ...message, params: { cursor } }, 0)
    },
  ],
  [
    6,
    'state',
    (random, material) => {
      const own = random.chance(0.8) ? material.state : material.foreign.state
      const requestState = random.chance(0.8) ? changedText(random, own) : value(random)
      const inputResponses = random.chance(0.5)
        ? value(random)
        : { 'elicit-1': { action: 'accept', content: value(random) } }
      const params = { name: 'ask', requestState, inputResponses }
      const message = asStateless({ jsonrpc: '2.0', id: 1, method: 'tools/call', params })
      return { headers: statelessHeaders(message), message }
    },
  ],
  [
    5,
    'token',
    (random, material) => {
      const token = random.weighted<() => string>([
        [3, () => changedText(random, material.token)],
        [2, () => material.token],
        [1, () => text(random)],
        [1, () => tampered(random, material.token)],
      ])()
      const scheme = random.pick(['Bearer ', 'bearer ', 'Bearer  ', 'Basic ', 'DPoP ', ''])
      const input = sent(random, material, request(random, material), 0)
      const session = random.chance(0.5) ? { 'mcp-session-id': material.foreign.session } : {}
      return {
        ...input,
        path: '/mcp',
        endpoint: 'guarded',
        headers: { ...input.headers, ...session, authorization: scheme + token },
      }
    },
  ],
  [
    7,
    'event id',
    (random, material) => {
      const known = [...material.events, material.foreign.event]
      const several = Array.from({ length: random.pick([1, 1, 1, 2, 50, 51]) }, () => random.pick(known)).join('!')
      const id = random.weighted<string>([
        [4, changedText(random, random.pick(known))],
        [1, several],
        [1, text(random)],
      ])
      return {
        method: 'GET',
        headers: { ...sessionOf(random, material), accept: 'text/event-stream', 'last-event-id': id },
      }
    },
  ],
  [
    8,
    'arguments',
    (random, material) => {
      const message = request(random, material, ['tools/call', 'prompts/get', 'completion/complete', 'resources/read'])
      let params: unknown = message.params
      for (let i = 1 + random.below(4); i > 0; i--) params = changedJson(random, params)
      return sent(random, material, { ...message, params: params as Message['params'] & object }, 0)
    },
  ],
  [
    2,
    'get',
    (random, material) => ({ method: 'GET', headers: { ...sessionOf(random, material), accept: 'text/event-stream' } }),
  ],
  [
    1,
    'delete',
    (random, material) => ({
      method: 'DELETE',
      headers: { 'mcp-session-id': random.pick(['x', text(random), material.foreign.session]) },
    }),
  ],
]

/** A message that a batch may have. */
function batched(random: Random, material: Material): Message {
  const message = anyMessage(random, material)
  return message.method === 'initialize' && random.chance(0.98) ? { ...message, method: 'ping' } : message
}

function tampered(random: Random, token: string): string {
  const [head = '', body = '', signature = ''] = token.split('.')
  const read = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString()) as unknown
  const write = (part: unknown) => Buffer.from(JSON.stringify(part) ?? '').toString('base64url')
  return random.chance(0.5)
    ? `${write(changedJson(random, read(head)))}.${body}.${signature}`
    : `${head}.${write(changedJson(random, read(body)))}.${signature}`
}

const NAMES = [
  ...[
    'accept',
    'content-type',
    'content-encoding',
    'content-length',
    'mcp-session-id',
    'mcp-protocol-version',
    'mcp-method',
  ],
  ...[
    'mcp-name',
    'mcp-param-region',
    'mcp-param-size',
    'last-event-id',
    'origin',
    'host',
    'authorization',
    'x-forwarded-for',
  ],
  ...[
    'access-control-request-headers',
    'access-control-request-method',
    'traceparent',
    'x-request-id',
    'cookie',
    '__proto__',
  ],
]
const KNOWN = [
  ...[
    'application/json',
    'application/json; charset=utf-16',
    'text/event-stream',
    '*/*',
    'a/b;q=0',
    'gzip',
    'identity',
    '1',
    '-1',
  ],
  ...[
    '9007199254740993',
    '2025-11-25',
    '2026-07-28',
    'https://page.example',
    'null',
    'localhost:1',
    '[::1]',
    'mcp-param-x, a',
    'eu',
  ],
]

function headers(random: Random, material: Material): ReturnType<Make> {
  const method = random.pick(['POST', 'POST', 'POST', 'GET', 'DELETE', 'OPTIONS', 'PUT', 'HEAD', 'PATCH'])
  const path = random.weighted([
    [12, undefined],
    [1, '/mcp/'],
    [1, '/sse'],
    [1, '/messages'],
    [1, '/.well-known/x'],
    [1, `/${text(random)}`],
  ] as const)
  const input = sent(random, material, anyMessage(random, material), 0)
  const given: Record<string, string> = { ...input.headers }
  for (let i = 1 + random.below(3); i > 0; i--) {
    const name = random.pick(NAMES)
    if (random.chance(0.15)) delete given[name]
    else given[name] = random.chance(0.5) ? random.pick(KNOWN) : text(random)
  }
  if (method === 'DELETE') given['mcp-session-id'] = 'none'
  return { ...input, method, headers: given, path: path ?? input.path ?? '/mcp' }
}

export function inputOf(random: Random, material: Material): Input {
  const [, kind, make] = random.weighted(KINDS.map((row) => [row[0], row] as const))
  const { message, body = message === undefined ? undefined : asText(message), ...made } = make(random, material)
  const whole = { kind, endpoint: 'open' as const, method: 'POST', path: '/mcp', body, ...made }
  return { ...whole, headers: { ...made.headers } }
}

/** -0 and numbers beyond a double are written as clients can write them. */
function asText(message: unknown): string | undefined {
  return JSON.stringify(message)?.replaceAll('1e+308', '1e400')
}
