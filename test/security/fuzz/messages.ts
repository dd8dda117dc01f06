/** Valid messages of every method, from which the inputs are made. */
import type { Random } from './random.ts'
import type { Material } from './target.ts'

export type Params = Record<string, unknown>
export interface Message {
  jsonrpc: '2.0'
  id?: unknown
  method?: string
  params?: Params
  result?: unknown
  error?: unknown
}

type Make = (random: Random, material: Material) => Params | undefined

const TREE = { left: { left: {}, right: { left: {} } }, right: {} }
const call =
  (name: string, args?: object): Make =>
  () => ({ name, ...(args && { arguments: args }) })

/** Parameters by method. */
const REQUESTS: [method: string, make: Make][] = [
  [
    'initialize',
    () => ({
      protocolVersion: '2025-11-25',
      capabilities: { elicitation: {}, sampling: {} },
      clientInfo: { name: 'f', version: '1' },
    }),
  ],
  ['ping', () => undefined],
  ['tools/call', call('echo', { message: 'hello' })],
  [
    'tools/call',
    call('nested', { list: ['a', 1, { a: 1 }], map: { k: [1, 2] }, kind: 'a', mail: 'a@b.co', link: 'https://a.b' }),
  ],
  [
    'tools/call',
    call('plain', {
      tree: TREE,
      unique: [1, 2, { a: 1 }],
      map: { k: [1] },
      code: 'a-b',
      when: '2026-01-01T00:00:00Z',
      either: 'x',
    }),
  ],
  ['tools/call', call('header', { region: 'eu', size: 42 })],
  ['tools/call', call('report')],
  ['tools/call', call('ask')],
  ['tools/call', call('recall')],
  ['tools/list', () => ({})],
  ['prompts/list', (_random, { cursor }) => ({ cursor })],
  ['prompts/get', () => ({ name: 'p1', arguments: { a: 'x' } })],
  ['resources/list', () => ({})],
  ['resources/templates/list', () => ({})],
  ['resources/read', () => ({ uri: 'item://1' })],
  ['resources/read', () => ({ uri: 'deep://a/b/c?q=1&q=2&r=3' })],
  ['resources/read', () => ({ uri: 'several:/a/b;b=1;b=2#c' })],
  ['resources/read', () => ({ uri: 'https://EXAMPLE.com' })],
  ['resources/subscribe', (random) => ({ uri: `item://${random.below(20)}` })],
  ['resources/unsubscribe', (random) => ({ uri: `item://${random.below(20)}` })],
  [
    'completion/complete',
    () => ({ ref: { type: 'ref/resource', uri: 'item://{id}' }, argument: { name: 'id', value: 'a' } }),
  ],
  [
    'completion/complete',
    () => ({
      ref: { type: 'ref/prompt', name: 'p1' },
      argument: { name: 'a', value: 'a' },
      context: { arguments: { a: 'b' } },
    }),
  ],
  ['logging/setLevel', () => ({ level: 'info' })],
  ['server/discover', () => ({})],
  ['subscriptions/listen', () => ({ notifications: { toolsListChanged: true, resourceSubscriptions: ['item://1'] } })],
  ['tasks/get', () => ({ taskId: 'x' })],
]
const NOTIFICATIONS: [method: string, make: Make][] = [
  ['notifications/initialized', () => undefined],
  ['notifications/cancelled', (random) => ({ requestId: random.below(1_000), reason: 'none' })],
  ['notifications/progress', () => ({ progressToken: 1, progress: 1 })],
  ['notifications/roots/list_changed', () => undefined],
]

export function request(random: Random, material: Material, methods?: readonly string[]): Message {
  const known = methods ? REQUESTS.filter(([method]) => methods.includes(method)) : REQUESTS
  const [method, make] = random.pick(known)
  const made = make(random, material)
  const params = random.chance(0.3)
    ? { ...made, _meta: { progressToken: random.pick([1, 'token', 2 ** 53 - 1]) } }
    : made
  const id = random.chance(0.7) ? random.below(1_000) : `id-${random.below(1_000)}`
  return { jsonrpc: '2.0', id, method, ...(params && { params }) }
}

/** A request, a notification or a response. */
export function anyMessage(random: Random, material: Material): Message {
  return random.weighted<() => Message>([
    [8, () => request(random, material)],
    [2, () => notification(random, material)],
    [
      1,
      () => ({
        jsonrpc: '2.0',
        id: random.pick(['none', ...material.asks]),
        result: { action: 'accept', content: { name: 'ada' } },
      }),
    ],
    [1, () => ({ jsonrpc: '2.0', id: random.pick(['none', ...material.asks]), error: { code: -1, message: 'no' } })],
  ])()
}

function notification(random: Random, material: Material): Message {
  const [method, make] = random.pick(NOTIFICATIONS)
  const params = make(random, material)
  return { jsonrpc: '2.0', method, ...(params && { params }) }
}

const CAPABILITIES = { elicitation: { form: {}, url: {} }, sampling: { tools: {} }, roots: {} }

/** The request as the stateless revision has it. */
export function asStateless(message: Message): Message {
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': CAPABILITIES,
    'io.modelcontextprotocol/clientInfo': { name: 'f', version: '1' },
    ...(message.params?._meta as object | undefined),
  }
  return { ...message, params: { ...message.params, _meta } }
}

/** The headers that repeat parts of a stateless request. */
export function statelessHeaders({ method, params }: Message): Record<string, string> {
  const name = params?.name ?? params?.uri
  const args = (params?.arguments ?? {}) as Params
  return {
    'mcp-protocol-version': '2026-07-28',
    ...(typeof method === 'string' && { 'mcp-method': method }),
    ...(typeof name === 'string' && { 'mcp-name': `=?base64?${Buffer.from(name).toString('base64')}?=` }),
    ...(typeof args.region === 'string' && { 'mcp-param-region': args.region }),
    ...(args.size !== undefined && { 'mcp-param-size': String(args.size) }),
  }
}
