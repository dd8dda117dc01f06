/** Limits of tools: how long a call may take, and how large its result may be. */
import type { ToolLimits } from './config.ts'

/** A longer timer of Node would fire at once. */
const LONGEST = 2 ** 31 - 1

/** The limits of a tool: its own, else those of the server. Undefined: it has none. */
export function limitsOf(own: ToolLimits, server: ToolLimits): ToolLimits | undefined {
  const timeout = (own.timeout ?? server.timeout) || undefined
  const maxResultBytes = (own.maxResultBytes ?? server.maxResultBytes) || undefined
  return timeout === undefined && maxResultBytes === undefined ? undefined : { timeout, maxResultBytes }
}

/** @throws RangeError for a limit that is no whole number */
export function requireLimits({ timeout, maxResultBytes }: ToolLimits, what: string): void {
  if (!isLimit(timeout, LONGEST)) {
    throw new RangeError(`${what}: timeout must be a whole number of ms from 0 (no limit) to ${LONGEST}.`)
  }
  if (!isLimit(maxResultBytes, Number.MAX_SAFE_INTEGER)) {
    throw new RangeError(`${what}: maxResultBytes must be a whole number of bytes, 0 (no limit) or more.`)
  }
}

function isLimit(value: unknown, most: number): boolean {
  return value === undefined || (Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= most)
}
