/** Options in code are checked as variables are: what cannot work throws one line that names it. */
import { describe, expect, test } from 'vitest'
import type { Setting } from '../../lib/base/setting.ts'
import { createEndpoint, type EndpointOptions } from '../../lib/endpoint.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { SETTINGS } from '../../lib/settings.ts'

const make = (options: object) => () =>
  createEndpoint(new McpServer({ name: 'o', version: '1' }), options as EndpointOptions)

describe.each(['http', 'session', 'stateless'] as const)('the options of %s', (group) => {
  const wrong: Partial<Record<Setting['kind'], unknown[]>> = {
    duration: [-1, Number.NaN, Number.POSITIVE_INFINITY, '1000', null, 1e15],
    count: [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '7', null, 1e9],
    flag: [1, 'true', null],
    choice: ['other', 1, null],
    rate: [{ perSecond: 0, burst: 1 }, { perSecond: 1, burst: 0 }, { perSecond: 1 }, 'off', 50, null],
  }
  const rows = Object.entries<Setting>(SETTINGS[group])

  test('name themselves where they are wrong', () => {
    for (const [option, { kind }] of rows) {
      for (const value of wrong[kind] ?? []) {
        const expected = new RegExp(`^${group}\\.${option} must be .*, not `)
        expect(make({ [group]: { [option]: value } }), `${option}: ${String(value)}`).toThrow(expected)
      }
    }
  })

  test('have the default where they are undefined', () => {
    const all = Object.fromEntries(rows.map(([option]) => [option, undefined]))
    expect(make({ [group]: all })).not.toThrow()
  })

  test('are refused where there is none of the name', () => {
    expect(make({ [group]: { idleLifetme: 1 } })).toThrow(`${group} has no option idleLifetme.`)
  })
})

test.each([
  [{ session: { lease: 50 } }, /^session\.lease must be from 100 to/],
  [{ session: { idleLifetime: 500 } }, /^session\.idleLifetime must be from 1000/],
  [{ http: { maxBytes: 0 } }, /^http\.maxBytes must be a whole number from 1/],
  [{ unsealed: 'read' }, /^unsealed needs keys/],
  [
    { unsealed: 'open', keys: [Buffer.alloc(32)], store: { leavesProcess: true } },
    /^unsealed must be refuse, read or write/,
  ],
  [{ path: 'mcp' }, /^path must begin with/],
  [{ auth: { resource: 'https://u:p@h/mcp', issuer: 'https://i' } }, /^auth: resource/],
  [{ auth: { resource: 'https://h/mcp', issuer: 'https://i?a=1' } }, /^auth: issuer must have no query/],
  [{ auth: { resource: 'https://h/mcp', issuer: 'https://u:p@i' } }, /^auth: issuer must have no user/],
  [
    { auth: { resource: 'https://h/mcp', issuer: 'https://i', scopes: ['read write'] } },
    /^auth: "read write" is no scope/,
  ],
  [{ auth: { resource: 'https://h/mcp', issuer: 'https://i', scopes: [''] } }, /^auth: "" is no scope/],
  [{ auth: { resource: 'https://h/mcp', issuer: 'https://i', clockTolerance: -1 } }, /^auth: clockTolerance/],
  [{ auth: { resource: 'https://h/mcp', issuer: 'https://i', cacheFor: Number.NaN } }, /^auth: cacheFor/],
])('%o is refused', (options, reason) => {
  expect(make(options)).toThrow(reason)
})
