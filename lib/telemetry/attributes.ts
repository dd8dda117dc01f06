/** The attributes of an operation's metrics by the names of the conventions: all of them bounded. */
import { ATTRIBUTES, EXECUTE_TOOL } from './names.ts'
import type { EndedSession, Operation, Transport } from './operations.ts'

type Attributes = Record<string, string>

export function attributesOf(operation: Operation): Attributes {
  const { method, tool, prompt, code } = operation
  const attributes: Attributes = { [ATTRIBUTES.method]: method, ...attributesOfSession(operation) }
  if (tool !== undefined) attributes[ATTRIBUTES.tool] = tool
  if (prompt !== undefined) attributes[ATTRIBUTES.prompt] = prompt
  if (method === 'tools/call') attributes[ATTRIBUTES.operation] = EXECUTE_TOOL
  if (code !== undefined) attributes[ATTRIBUTES.code] = code
  return attributes
}

export function attributesOfSession({ revision, errorType, transport }: EndedSession): Attributes {
  const attributes = attributesOfTransport(transport)
  if (revision !== undefined) attributes[ATTRIBUTES.revision] = revision
  if (errorType !== undefined) attributes[ATTRIBUTES.errorType] = errorType
  return attributes
}

export function attributesOfTransport({ kind, version }: Transport): Attributes {
  const attributes: Attributes = { [ATTRIBUTES.transport]: kind }
  if (kind === 'tcp') attributes[ATTRIBUTES.protocol] = 'http'
  if (version !== undefined) attributes[ATTRIBUTES.protocolVersion] = version
  return attributes
}
