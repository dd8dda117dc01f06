/** The parameters of a stage on AWS: what is refused, what follows from them, and what the edge function does. */

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { root } from '../../tools/build.ts'
import { parseTemplate } from './template.ts'

type Params = Record<string, unknown>
const { problemOf, derivedFrom, hintsOf, RULES } = createRequire(import.meta.url)(
  join(root, 'infra/aws/parameters.cjs'),
) as {
  problemOf(params: Params): string | undefined
  derivedFrom(params: Params): Params
  hintsOf(params: Params): string[]
  RULES: Record<string, unknown>
}

const DOMAIN = { domain: 'mcp.example.com', certificate: 'arn:aws:acm:us-east-1:123456789012:certificate/a' }

describe('a stage is refused with one line', () => {
  test.each<[Params, RegExp]>([
    [{ front: 'alb' }, /^front must be one of url, rest, http\.$/],
    [{ memory: '1 GB' }, /^memory must be a whole number from 128 to 10240/],
    [{ timeout: 901 }, /^timeout must be a whole number from 10 to 900/],
    [{ domain: 'https://mcp.example.com' }, /^domain must be a host name/],
    [{ ...DOMAIN, front: 'url' }, /^domain needs front: rest.*Remove domain, or front: url/],
    [{ domain: 'mcp.example.com' }, /^certificate is missing/],
    [{ certificate: DOMAIN.certificate }, /^domain is missing/],
    [
      { ...DOMAIN, certificate: DOMAIN.certificate.replace('us-east-1', 'eu-west-1') },
      /^certificate must be .*us-east-1/,
    ],
    [{ ...DOMAIN, headerFunction: 'arn:aws:lambda:us-east-1:123456789012:function:header' }, /ends in its number/],
    [{ headerFunction: 'arn:aws:lambda:us-east-1:123456789012:function:header:1' }, /^headerFunction needs domain/],
    [{ throttleRate: 10, throttleBurst: 10 }, /need front: rest\. Use concurrency/],
    [{ front: 'rest', throttleRate: 10 }, /need each other/],
    [{ canary: 'Slowly' }, /^canary must be one of off, Canary10Percent5Minutes/],
    [{ budget: 20 }, /^budget needs alarmEmail/],
    [{ alarmEmail: 'ops' }, /^alarmEmail must be an address of mail/],
    [{ ipv4: 'yes' }, /^ipv4 must be true or false/],
    [{ cache: 'serverless', cacheNode: 'cache.t4g.small' }, /^cacheNode is for cache: nodes/],
    [{ cacheUser: 'c' }, /^cacheUser must be one of a, b/],
    [{ snapshots: 36 }, /^snapshots must be a whole number from 0 to 35/],
    [{ snapshotTime: '3 am' }, /^snapshotTime must be a time of day in UTC/],
    [{ maintenance: 'sunday' }, /^maintenance must be a window in UTC/],
    [{ secrets: 'a b' }, /^secrets must be a number or a date/],
  ])('%j', (params, line) => {
    expect(problemOf(params)).toMatch(line)
  })
})

test.each<Params>([
  {},
  { front: 'http' },
  DOMAIN,
  { ...DOMAIN, front: 'rest', throttleRate: 10, throttleBurst: 20 },
  { concurrency: 10, cache: 'serverless', cacheGigabytes: 10, secrets: '2026-11-26' },
])('%j is accepted', (params) => {
  expect(problemOf(params)).toBeUndefined()
})

test('the front is rest behind a domain, else the Function URL, unless the stage names one', () => {
  expect(derivedFrom({})).toMatchObject({ front: 'url', edge: 'none' })
  expect(derivedFrom(DOMAIN)).toMatchObject({ front: 'rest', edge: 'domain' })
  expect(derivedFrom({ front: 'rest' })).toMatchObject({ front: 'rest', edge: 'none' })
})

test('thresholds and windows follow from the parameters', () => {
  expect(derivedFrom({ snapshotTime: '23:30' }).snapshotWindow).toBe('23:30-00:30')
  expect(derivedFrom({ concurrency: 11 }).concurrencyAlarm).toBe(9)
  expect(derivedFrom({ cacheGigabytes: 10 }).cacheAlarm).toBe(7.5e9)
  expect(derivedFrom({ environment: { REDIS_PREFIX: 'notes' } }).cacheAccess).toMatch(/^on ~notes:\* /)
})

test('a front that renames WWW-Authenticate is named where there is authorization', () => {
  const renames = expect.stringMatching(/renames the header WWW-Authenticate/)
  const auth = { authIssuer: 'https://auth.example.com' }
  expect(hintsOf({ ...DOMAIN, ...auth })).toEqual([renames])
  expect(hintsOf({ ...auth, front: 'http' })).toEqual([renames])
  expect(hintsOf({ ...DOMAIN, ...auth, headerFunction: 'arn' })).toEqual([])
  expect(hintsOf(auth)).toEqual([])
  expect(hintsOf({ front: 'rest', open: true, concurrency: 50 })).toEqual([expect.stringMatching(/stage in its path/)])
})

test('a stage that is open to everybody and has no bound is named', () => {
  expect(hintsOf({ open: true })).toEqual([expect.stringMatching(/24 USD an hour\. Set concurrency/)])
  expect(hintsOf({ open: true, concurrency: 50 })).toEqual([])
})

test('the function at the edge restores WWW-Authenticate', async () => {
  const template = parseTemplate(readFileSync(join(root, 'infra/aws/header.yml'), 'utf8'))
  const exports: { handler?: (event: unknown) => Promise<unknown> } = {}
  runInNewContext(template.Resources.Header?.Properties.Code.ZipFile, { exports })
  const headers = { 'x-amzn-remapped-www-authenticate': [{ key: 'x-amzn-Remapped-WWW-Authenticate', value: 'Bearer' }] }
  const response = { status: '401', headers }
  expect(await exports.handler?.({ Records: [{ cf: { response } }] })).toEqual({
    status: '401',
    headers: { 'www-authenticate': [{ key: 'WWW-Authenticate', value: 'Bearer' }] },
  })
})

test('every parameter has a rule with what would be right', () => {
  for (const rule of Object.values(RULES)) expect(rule).toMatchObject({ right: expect.stringMatching(/\w/) })
})
