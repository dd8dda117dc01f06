/** The texts of IP addresses: what Node takes for one, without the zones of IPv6. */
import * as net from 'node:net'
import { expect, test } from 'vitest'
import { isIPv4, isIPv6 } from '../../lib/server/schema/validator/addresses.ts'
import { numberOf, step } from '../support/mulberry32.ts'

const PARTS =
  ' |0|1|f|abcd|ABCD|12345|g|::|:|:::|.|1.2.3.4|256.1.1.1|01.2.3.4|0.0.0.0|ffff|1:2:3:4:5:6:7:8|1:2:3:4:5:6:7|_|\n|é|/'.split(
    '|',
  )

test('of random texts the same ones are addresses as for node:net', () => {
  let state = 1
  const pick = (n: number) => {
    state = step(state)
    return Math.floor(numberOf(state) * n)
  }
  const found = { ipv4: 0, ipv6: 0 }
  for (let i = 0; i < 100_000; i++) {
    const parts = Array.from({ length: 1 + pick(9) }, () => (PARTS[pick(PARTS.length)] ?? '') + (pick(2) ? ':' : ''))
    const text = parts.join('')
    if (isIPv4(text)) found.ipv4++
    if (isIPv6(text)) found.ipv6++
    expect([isIPv4(text), isIPv6(text)], JSON.stringify(text)).toEqual([net.isIPv4(text), net.isIPv6(text)])
  }
  expect(found.ipv4).toBeGreaterThan(100)
  expect(found.ipv6).toBeGreaterThan(100)
})

test('an address with a zone is none', () => {
  expect(isIPv6('fe80::1')).toBe(true)
  expect(isIPv6('fe80::1%eth0')).toBe(false)
})
