/**
 * A program for one client, as a bundled command line is: JSON-RPC by lines, without an SDK. It keeps the roots and the notes of its
 * client in variables.
 */
import { createInterface } from 'node:readline'

const [, , mode = ''] = process.argv
const ROOTS = 'roots/list'
let client = {}
let roots
const notes = []
const cancelled = []
const subscribed = new Set()
let level = 'none'
let initialized = 0
let ids = 0
/** How often each tool that asks has begun. */
const runs = {}
/** Requests to the client without an answer, and calls that wait. */
const asks = new Map()
const waiting = new Set()

const send = (message) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
const notify = (method, params) => send({ method, params })
const text = (value) => ({
  content: [{ type: 'text', text: typeof value === 'string' ? value : JSON.stringify(value) }],
})
const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const ask = (method, params) =>
  new Promise((resolve) => {
    const id = `ask-${++ids}`
    asks.set(id, resolve)
    send({ id, method, ...(params && { params }) })
  })
const readRoots = async () => {
  const { result, error } = await ask(ROOTS)
  roots = result ? result.roots.map(({ uri }) => uri) : `error ${error.message}`
}

const TOOLS = {
  whoami: () =>
    text({
      pid: process.pid,
      client: client.clientInfo?.name,
      version: client.protocolVersion,
      roots,
      level,
      initialized,
    }),
  note({ text: given }) {
    notes.push(given)
    return text(notes)
  },
  notes: () => text({ pid: process.pid, notes }),
  async ask({ message }, { name }) {
    runs[name] = (runs[name] ?? 0) + 1
    const { result, error } = await ask('elicitation/create', {
      message,
      requestedSchema: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] },
    })
    return text(result ?? { error: error.message })
  },
  async sample({ message }) {
    const messages = [{ role: 'user', content: { type: 'text', text: message } }]
    const { result, error } = await ask('sampling/createMessage', { messages, maxTokens: 10 })
    return text(result ?? { error: error.message })
  },
  ask_read_only: (args, call) => TOOLS.ask(args, call),
  runs: () => text(runs),
  async count({ n, ms = 0 }, { token, log }) {
    for (let i = 1; i <= n; i++) {
      if (ms > 0) await later(ms)
      if (token !== undefined) notify('notifications/progress', { progressToken: token, progress: i, message: `${i}` })
      if (log) notify('notifications/message', { level: 'info', data: i })
    }
    return text(`counted to ${n}`)
  },
  wait(_args, { id }) {
    waiting.add(id)
    notify('notifications/message', { level: 'info', data: 'waiting' })
    return new Promise(() => {})
  },
  cancelled: () => text(cancelled),
  subscribed: () => text([...subscribed]),
  changed() {
    notify('notifications/tools/list_changed')
    notify('notifications/resources/updated', { uri: 'note://1' })
    notify('notifications/resources/updated', { uri: 'note://2' })
    return text('changed')
  },
  exit: ({ code }) => process.exit(code),
  close() {
    process.stdout.end()
    return new Promise(() => {})
  },
  noise() {
    process.stdout.write('listening on nothing\n{"half": \n')
    process.stdout.write('not again\n')
    return text('was noisy')
  },
  long({ bytes }) {
    return text('x'.repeat(bytes))
  },
  async ask_and_end({ ms }) {
    if (ms === undefined) void readRoots()
    else setTimeout(readRoots, ms)
    return text('has asked')
  },
  error() {
    throw Object.assign(new Error('no such thing'), { code: -32050, data: { a: 1 } })
  },
}

const tool = (name) => ({
  name,
  inputSchema: { type: 'object' },
  ...(['ask_read_only', 'whoami'].includes(name) && { annotations: { readOnlyHint: true } }),
})

const METHODS = {
  initialize(params) {
    client = params
    return {
      protocolVersion: params.protocolVersion,
      capabilities: { tools: { listChanged: true }, logging: {}, resources: { subscribe: true, listChanged: true } },
      serverInfo: { name: 'program', version: '1.0.0' },
      instructions: 'A program for one client.',
    }
  },
  ping: () => ({}),
  'logging/setLevel': (params) => {
    level = params.level
    return {}
  },
  'resources/subscribe': ({ uri }) => {
    subscribed.add(uri)
    return {}
  },
  'resources/unsubscribe': ({ uri }) => {
    subscribed.delete(uri)
    return {}
  },
  'resources/list': () => ({ resources: [{ uri: 'note://1', name: 'one' }] }),
  'tools/list': () => ({ tools: Object.keys(TOOLS).map(tool) }),
  'tools/call'({ name, arguments: args = {}, _meta }, id) {
    if (!Object.hasOwn(TOOLS, name)) throw Object.assign(new Error(`Unknown tool ${name}`), { code: -32602 })
    return TOOLS[name](args, { id, name, token: _meta?.progressToken, log: args.log === true })
  },
}

async function serve({ id, method, params }) {
  try {
    if (!Object.hasOwn(METHODS, method)) throw Object.assign(new Error('Method not found'), { code: -32601 })
    send({ id, result: await METHODS[method](params, id) })
  } catch ({ code = -32603, message, data }) {
    send({ id, error: { code, message, ...(data && { data }) } })
  }
}

function hear({ method, params }) {
  if (method === 'notifications/initialized') {
    initialized++
    if (client.capabilities?.roots) void readRoots()
  } else if (method === 'notifications/roots/list_changed') void readRoots()
  else if (method === 'notifications/cancelled' && waiting.delete(params.requestId)) cancelled.push(params.reason)
}

process.stderr.write(`started ${process.pid}\n`)
if (mode === 'broken') {
  process.stderr.write('The key is missing.\n')
  process.exit(3)
}
if (mode === 'stubborn') {
  process.on('SIGTERM', () => {})
  setInterval(() => {}, 1_000)
}
createInterface({ input: process.stdin }).on('line', (line) => {
  const message = JSON.parse(line)
  if (message.method === undefined) {
    asks.get(message.id)?.(message)
    asks.delete(message.id)
  } else if (message.id === undefined) hear(message)
  else void serve(message)
})
