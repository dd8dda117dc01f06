/** What an instance reports of itself, as text. */
import { isObject } from '../protocol/jsonrpc.ts'

interface InstanceReport {
  /** Of the server. */
  name: string
  version: string
  /** For how many ms the process has run. */
  up: number
  /** How long the report lasts, in ms. */
  lasts: number
  calls: number
  streams: number
  /** The instance shuts down. */
  draining: boolean
  /** The machine or container, and the process there. */
  host: string
  pid: number
}

export function writeReport(report: InstanceReport): string {
  return JSON.stringify(report)
}

/** Undefined for a text of another form. A newer build may add members. */
export function readReport(text: string): InstanceReport | undefined {
  const given = parsed(text)
  if (!isObject(given)) return undefined
  const word = (name: string) => (typeof given[name] === 'string' ? given[name] : '')
  const number = (name: string) => (typeof given[name] === 'number' ? given[name] : 0)
  return {
    name: word('name'),
    version: word('version'),
    up: number('up'),
    lasts: number('lasts'),
    calls: number('calls'),
    streams: number('streams'),
    draining: given.draining === true,
    host: word('host'),
    pid: number('pid'),
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
