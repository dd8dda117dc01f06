/** The `_meta` fields of a request of the stateless revision, and the headers that repeat parts of the body. */
import { shown } from '../protocol/bounds.ts'
import { readCapabilities, readClientInfo } from '../protocol/client.ts'
import { ErrorCode, ProtocolError } from '../protocol/errors.ts'
import { isObject, type JsonObject, type JsonRpcRequest } from '../protocol/jsonrpc.ts'
import { META } from '../protocol/meta.ts'
import { SESSION_REVISIONS, STATELESS_REVISION, SUPPORTED_REVISIONS } from '../protocol/revisions.ts'
import type { ClientCapabilities, Implementation, LoggingLevel } from '../protocol/types.ts'
import { isLoggingLevel, LOGGING_LEVELS } from '../protocol/types.ts'
import type { ParamHeader } from '../server/schema/param-headers.ts'
import { type ReadHeader, versionHeader } from './claim.ts'

export interface Envelope {
  capabilities: ClientCapabilities
  info: Implementation | undefined
  logLevel: LoggingLevel | undefined
}

/** The names of these members in errors. */
const CAPABILITIES = `params._meta["${META.clientCapabilities}"]`
const CLIENT_INFO = `params._meta["${META.clientInfo}"]`

/** An error before the method is dispatched: HTTP 400. */
function refuse(request: JsonRpcRequest, code: number, message: string, data?: unknown): ProtocolError {
  return new ProtocolError(code, message, data, request.id)
}

function invalid(request: JsonRpcRequest, message: string): ProtocolError {
  return refuse(request, ErrorCode.InvalidParams, message)
}

function mismatch(request: JsonRpcRequest, message: string): ProtocolError {
  return refuse(request, ErrorCode.HeaderMismatch, message)
}

/**
 * @param mirrored the name of the parameter that `Mcp-Name` repeats
 * @throws ProtocolError -32602 for a wrong field, -32020 for a wrong header, -32022 for a wrong version, in this order
 */
export function readEnvelope(request: JsonRpcRequest, header: ReadHeader, mirrored: string | undefined): Envelope {
  const meta = request.params?._meta
  const fields: JsonObject = isObject(meta) ? meta : {}
  const version = fields[META.protocolVersion]
  if (typeof version !== 'string') {
    const message = missing(META.protocolVersion, 'a string')
    throw invalid(request, request.method === 'initialize' ? `${message} ${OPENING}` : message)
  }
  const declared = fields[META.clientCapabilities]
  if (!isObject(declared)) throw invalid(request, missing(META.clientCapabilities, 'an object'))
  const capabilities = readCapabilities(declared, CAPABILITIES)
  const info = readClientInfo(fields[META.clientInfo], CLIENT_INFO)
  const level = fields[META.logLevel]
  if (level !== undefined && !isLoggingLevel(level)) {
    throw invalid(request, `_meta["${META.logLevel}"] must be one of ${LOGGING_LEVELS.join(', ')}.`)
  }
  const named = versionHeader(header)
  if (named !== version) {
    throw mismatch(
      request,
      `MCP-Protocol-Version must be ${version}, as in _meta; it is ${named === undefined ? 'missing' : shown(named)}.`,
    )
  }
  if (version !== STATELESS_REVISION) {
    const data = { supported: SUPPORTED_REVISIONS, requested: version }
    const message = `Version ${version} is not supported without a session. Session revisions begin with initialize.`
    throw refuse(request, ErrorCode.UnsupportedProtocolVersion, message, data)
  }
  requireStandardHeaders(request, header, mirrored)
  return { capabilities, info, logLevel: level }
}

/** Added to the error for `initialize`: an older client may show its user nothing but this message. */
const OPENING = `To open a session, send initialize without the header, for one of ${SESSION_REVISIONS.join(', ')}.`

function missing(field: string, what: string): string {
  return `params._meta["${field}"] must be ${what}.`
}

function requireStandardHeaders(request: JsonRpcRequest, header: ReadHeader, mirrored: string | undefined): void {
  const method = header('mcp-method')?.trim()
  if (method !== request.method) {
    throw mismatch(
      request,
      `Mcp-Method must be ${request.method}, as in the body; it is ${method === undefined ? 'missing' : shown(method)}.`,
    )
  }
  if (mirrored === undefined) return
  const name = decodeHeader(header('mcp-name'))
  const expected = request.params?.[mirrored]
  // Without the parameter in the body there is nothing to compare with, and the method refuses the request itself.
  if (expected === undefined && name === undefined) return
  if (name !== expected) {
    const found = name === undefined ? 'missing or malformed' : 'another value'
    throw mismatch(request, `Mcp-Name must be params.${mirrored} of the body; it is ${found}.`)
  }
}

/**
 * Compares `Mcp-Param-*` with the arguments of a tool call.
 * @throws ProtocolError -32020
 */
export function requireParamHeaders(request: JsonRpcRequest, params: readonly ParamHeader[], header: ReadHeader): void {
  for (const { name, path, type } of params) {
    let value: unknown = request.params?.arguments
    for (const key of path) value = isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined
    const raw = header(`mcp-param-${name.toLowerCase()}`)
    if (value === undefined || value === null) {
      if (raw === undefined) continue
      throw mismatch(request, `Mcp-Param-${name} is sent without the argument ${path.join('.')}.`)
    }
    const given = decodeHeader(raw)
    const same = type === 'integer' ? given !== undefined && isSameInteger(given, value) : given === scalarText(value)
    if (!same) throw mismatch(request, `Mcp-Param-${name} must repeat the argument ${path.join('.')}.`)
  }
}

/** Undefined for an object, of which `String` may throw. */
function scalarText(value: unknown): string | undefined {
  return typeof value === 'object' ? undefined : String(value)
}

/** Integers are compared as numbers: `42.0` is 42. */
function isSameInteger(given: string, value: unknown): boolean {
  return /^-?\d+(\.0+)?$/.test(given) && Number(given) === value
}

const SENTINEL = /^=\?base64\?(.*)\?=$/s

/** Reads a header value, plain or as `=?base64?…?=`. Undefined: missing or malformed. */
function decodeHeader(raw: string | undefined): string | undefined {
  if (raw === undefined) return undefined
  const value = raw.trim()
  const encoded = value.startsWith('=?') ? SENTINEL.exec(value)?.[1] : undefined
  if (encoded === undefined) return /^[\x20-\x7e]*$/.test(value) ? value : undefined
  if (encoded.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(encoded)) return undefined
  const bytes = Buffer.from(encoded, 'base64')
  if (bytes.toString('base64') !== encoded) return undefined
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}
