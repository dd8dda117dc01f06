/** Reading how a client describes itself: in `initialize`, and in each request of the stateless revision. */
import type { ClientName } from '../base/events.ts'
import { invalidParams } from './errors.ts'
import { isObject, type JsonObject } from './jsonrpc.ts'
import { type ClientCapabilities, type Implementation, readImplementation } from './types.ts'

/** The capabilities that are read here. Each of them, and of their parts, is an object or absent. */
const PARTS: ReadonlyMap<string, readonly string[]> = new Map([
  ['elicitation', ['form', 'url']],
  ['sampling', ['context', 'tools']],
  ['roots', []],
])

/**
 * @param place the name of the member in errors
 * @throws ProtocolError -32602 where a capability is no object
 */
export function readCapabilities(value: JsonObject, place: string): ClientCapabilities {
  // Most clients declare few: a loop over those costs less than one over the table.
  for (const name in value) {
    const parts = PARTS.get(name)
    const declared = value[name]
    if (parts === undefined || declared === undefined) continue
    if (!isObject(declared)) throw invalidParams(`${place}.${name} must be an object.`)
    for (const part of parts) {
      if (declared[part] === undefined || isObject(declared[part])) continue
      throw invalidParams(`${place}.${name}.${part} must be an object.`)
    }
  }
  return value
}

/** The capabilities that are read here, without the others and without what is in their parts. */
export function essentialCapabilities(capabilities: ClientCapabilities): ClientCapabilities {
  const all: JsonObject = capabilities
  const essential: Record<string, JsonObject> = {}
  for (const [name, parts] of PARTS) {
    const declared = all[name]
    if (!isObject(declared)) continue
    const kept = parts.filter((part) => declared[part] !== undefined)
    essential[name] = Object.fromEntries(kept.map((part) => [part, {}]))
  }
  return essential
}

/** The texts of a description. Icons and members that the specification does not name can be very long. */
export function essentialInfo(info: Implementation): Implementation {
  const { name, version } = info
  const essential: Implementation = { name, version }
  for (const member of ['title', 'description', 'websiteUrl'] as const) {
    const text: unknown = info[member]
    if (typeof text === 'string') essential[member] = text
  }
  return essential
}

/**
 * Reads `clientInfo`. A name or a version that is absent becomes empty: nothing depends on them.
 *
 * @param place the name of the member in errors
 * @throws ProtocolError -32602 where it is no object, or its name or version is no string
 */
export function readClientInfo(value: unknown, place: string): Implementation | undefined {
  if (value === undefined) return undefined
  if (!isObject(value)) throw invalidParams(`${place} must be an object.`)
  requireText(value.name, place, 'name')
  requireText(value.version, place, 'version')
  return readImplementation(value)
}

function requireText(value: unknown, place: string, name: string): void {
  if (value !== undefined && typeof value !== 'string') throw invalidParams(`${place}.${name} must be a string.`)
}

/** Characters of a name and of a version that an event has. */
const MAX_NAMED = 100

/** The client, for listeners. */
export function clientName({ name, version }: Implementation): ClientName {
  return { name: name.slice(0, MAX_NAMED), version: version.slice(0, MAX_NAMED) }
}
