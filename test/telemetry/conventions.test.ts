/** The names and values are those of the package of OpenTelemetry's conventions. */
import * as conventions from '@opentelemetry/semantic-conventions/incubating'
import { expect, test } from 'vitest'
import { ATTRIBUTES, EXECUTE_TOOL, METRICS, OTHER, OWN_ATTRIBUTES } from '../../lib/telemetry/names.ts'

const all = new Map(Object.entries(conventions))
const names = new Set([...all].filter(([name]) => name.startsWith('ATTR_')).map(([, value]) => value))

test('each attribute has the name of the conventions', () => {
  expect(ATTRIBUTES).toEqual({
    method: conventions.ATTR_MCP_METHOD_NAME,
    revision: conventions.ATTR_MCP_PROTOCOL_VERSION,
    session: conventions.ATTR_MCP_SESSION_ID,
    resource: conventions.ATTR_MCP_RESOURCE_URI,
    tool: conventions.ATTR_GEN_AI_TOOL_NAME,
    prompt: conventions.ATTR_GEN_AI_PROMPT_NAME,
    operation: conventions.ATTR_GEN_AI_OPERATION_NAME,
    requestId: conventions.ATTR_JSONRPC_REQUEST_ID,
    code: conventions.ATTR_RPC_RESPONSE_STATUS_CODE,
    errorType: conventions.ATTR_ERROR_TYPE,
    transport: conventions.ATTR_NETWORK_TRANSPORT,
    protocol: conventions.ATTR_NETWORK_PROTOCOL_NAME,
    protocolVersion: conventions.ATTR_NETWORK_PROTOCOL_VERSION,
    clientAddress: conventions.ATTR_CLIENT_ADDRESS,
    clientPort: conventions.ATTR_CLIENT_PORT,
  })
})

test('each metric of a server, and that of its asks, has the name of the conventions', () => {
  expect(METRICS).toEqual({
    serverOperation: conventions.METRIC_MCP_SERVER_OPERATION_DURATION,
    serverSession: conventions.METRIC_MCP_SERVER_SESSION_DURATION,
    clientOperation: conventions.METRIC_MCP_CLIENT_OPERATION_DURATION,
  })
})

test('values that the conventions list are spelled as they are there', () => {
  expect(EXECUTE_TOOL).toBe(conventions.GEN_AI_OPERATION_NAME_VALUE_EXECUTE_TOOL)
  expect(OTHER).toBe(conventions.ERROR_TYPE_VALUE_OTHER)
  expect(['tcp', 'pipe']).toEqual([conventions.NETWORK_TRANSPORT_VALUE_TCP, conventions.NETWORK_TRANSPORT_VALUE_PIPE])
})

test('the conventions have no name for what has a name of its own', () => {
  for (const name of Object.values(OWN_ATTRIBUTES)) expect(names).not.toContain(name)
})

test('the methods of the conventions are known methods, but for those that a server sends', async () => {
  const { Labels } = await import('../../lib/telemetry/labels.ts')
  const labels = new Labels()
  const methods = [...all]
    .filter(([name]) => name.startsWith('MCP_METHOD_NAME_VALUE_'))
    .map(([, value]) => String(value))
  const unknown = methods.filter((method) => labels.method(method) !== method)
  expect(unknown.sort()).toEqual([
    'notifications/message',
    'notifications/prompts/list_changed',
    'notifications/resources/list_changed',
    'notifications/resources/updated',
    'notifications/tools/list_changed',
  ])
})
