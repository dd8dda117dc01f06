/** The official client 2.x in both of its modes, through three instances. */
import { type CallToolResult, Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { server } from '../fixtures/everything.ts'
import { type Fleet, startFleet } from '../support/fleet.ts'

let fleet: Fleet

beforeAll(async () => {
  fleet = await startFleet()
})
afterAll(() => fleet.stop())

async function connect(mode: 'legacy' | 'auto'): Promise<Client> {
  const capabilities = { elicitation: { form: {}, url: {} }, sampling: { tools: {} }, roots: {} }
  const client = new Client({ name: 'two', version: '2' }, { capabilities, versionNegotiation: { mode } })
  const content = {
    name: 'Ada',
    number: 7,
    send: true,
    ok: true,
    color: 'red',
    username: 'ada',
    email: 'ada@b.example',
  }
  client.setRequestHandler('elicitation/create', ({ params }) => {
    if (!('requestedSchema' in params)) return { action: 'accept' as const }
    const requested = Object.keys(params.requestedSchema?.properties ?? {})
    const members = Object.entries(content).filter(([key]) => requested.includes(key))
    return { action: 'accept' as const, content: Object.fromEntries(members) }
  })
  client.setRequestHandler('sampling/createMessage', () => ({
    model: 'm',
    role: 'assistant' as const,
    content: { type: 'text' as const, text: 'Hello' },
  }))
  client.setRequestHandler('roots/list', () => ({ roots: [{ uri: 'file:///r', name: 'r' }] }))
  await client.connect(new StreamableHTTPClientTransport(fleet.url))
  return client
}

/** Arguments for the tools that require some. */
const ARGUMENTS: Record<string, Record<string, unknown>> = {
  echo: { message: 'x' },
  slow: { ms: 1 },
  progress: { n: 3 },
  rerunnable: { n: 3 },
  log: { level: 'info', message: 'x' },
  log_slowly: { rounds: 1, delayMs: 1 },
  structured: { a: 1, b: 2 },
  fail: { message: 'x' },
  large: { bytes: 100_000 },
  close_stream: { ms: 10 },
  remember: { name: 'a', value: 'b' },
  recall: { name: 'a' },
  forget: { name: 'a' },
  user_set: { name: 'a', value: 'b' },
  user_get: { name: 'a' },
  user_delete: { name: 'a' },
  handle_create: { value: 'v' },
  handle_get: { handle: 'h' },
  handle_set: { handle: 'h', value: 'v' },
  handle_delete: { handle: 'h' },
  announce: { what: 'tools' },
  test_sampling: { prompt: 'x' },
  test_elicitation: { message: 'x' },
  greet: { name: 'Ada' },
  slow_compute: { seconds: 0 },
  confirm_delete: { filename: 'a' },
  test_x_mcp_header: { region: 'münchen' },
  json_schema_2020_12_tool: { name: 'a', email: 'a@b.example', phone: '1' },
}
/** The tools that fail without a session, and the tools that always fail. */
const NEEDS_SESSION = ['count_session', 'remember', 'recall', 'forget']
/** The tools whose calls are errors of the protocol. */
const ERRORS: Record<string, RegExp> = {
  protocol_error: /Not with these parameters/,
  protocol_error_job: /could not be done/,
}
/** The tools that run as tasks only. This client has none. */
const NEEDS_TASKS = ['failing_job', 'test_tool_with_task']
const ALWAYS_FAILS = ['fail', 'test_error_handling', 'structured_wrong', 'confirm_delete']

describe.each(['legacy', 'auto'] as const)('the client in mode %s', (mode) => {
  test('calls every tool of the everything server', async () => {
    const client = await connect(mode)
    const asTaskOnly = mode === 'auto' ? /needs a client with the extension/ : /runs as a task only/
    const names = (await client.listTools()).tools.map(({ name }) => name)
    server.registry.compile()
    expect(names.length).toBe(server.registry.tools.size)
    // The gated tools wait until this value is set.
    await client.callTool({ name: 'user_set', arguments: { name: 'gate:open', value: 'yes' } })
    for (const name of names) {
      const error = NEEDS_TASKS.includes(name) ? asTaskOnly : ERRORS[name]
      if (error) {
        await expect(client.callTool({ name }), name).rejects.toThrow(error)
        continue
      }
      const result = (await client
        .callTool({ name, arguments: ARGUMENTS[name] ?? (name.startsWith('gated') ? { gate: 'open' } : {}) })
        .catch((error: Error) => error)) as CallToolResult | Error
      if (result instanceof Error) throw new Error(`${name}: ${result.message}`)
      const fails = ALWAYS_FAILS.includes(name) || (mode === 'auto' && NEEDS_SESSION.includes(name))
      expect(result.isError ?? false, `${name}: ${JSON.stringify(result.content).slice(0, 300)}`).toBe(fails)
    }
    await client.close()
  })

  test('answers one ask, several asks in one turn, and asks in three rounds', async () => {
    const client = await connect(mode)
    const text = async (name: string) => {
      const { content } = (await client.callTool({ name, arguments: {} })) as CallToolResult
      return content[0]?.type === 'text' ? content[0].text : ''
    }
    expect(await text('ask')).toContain('"number":7')
    expect(await text('test_input_required_result_multiple_inputs')).toBe('Hello Ada with 1 roots')
    expect(await text('test_input_required_result_multi_round')).toBe('Ada likes red')
    expect(await text('elicit_then_sample')).toContain('"sent":true')
    await client.close()
  })
})

test('a listening client receives changes that are announced on another instance', async () => {
  const client = await connect('auto')
  const received: string[] = []
  const wake: (() => void)[] = []
  client.fallbackNotificationHandler = async ({ method }) => {
    received.push(method)
    for (const each of wake.splice(0)) each()
  }
  const subscription = await client.listen({ toolsListChanged: true, promptsListChanged: true })
  expect(subscription.honoredFilter).toMatchObject({ toolsListChanged: true, promptsListChanged: true })
  const until = async (method: string) => {
    while (!received.includes(method)) await new Promise<void>((resolve) => wake.push(resolve))
  }
  for (const [i, kind] of (['tools', 'prompts', 'tools'] as const).entries()) {
    await fleet.instances[i]?.announce(kind)
    await until(`notifications/${kind}/list_changed`)
  }
  await subscription.close()
  expect(await subscription.closed).toBe('local')
  await client.close()
})
