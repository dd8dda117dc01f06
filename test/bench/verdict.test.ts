import { expect, test } from 'vitest'
import { compare, judge, MOST_ROUNDS, type Round } from './verdict.ts'

/** Rounds in which B needs `factor` times as much as A, and both vary by `noise` in turn. */
const rounds = (count: number, factor: number, noise: number): Round[] =>
  Array.from({ length: count }, (_, i) => {
    const shake = 1 + (i % 2 === 0 ? noise : -noise)
    return { before: 100, now: 100 * factor * shake, again: 100 / shake }
  })

async function compared(factor: number, noise: number) {
  const list = rounds(MOST_ROUNDS, factor, noise)
  let next = 0
  return compare(async () => list[next++]!, 10)
}

test('the same speed is ok, and so is a faster one', async () => {
  expect(await compared(1, 0.01)).toMatchObject({ verdict: 'ok', rounds: 10 })
  expect(await compared(0.8, 0.01)).toMatchObject({ verdict: 'ok', rounds: 10 })
})

test('a loss of 5 % is a failure where the machine is steady', async () => {
  const { verdict, now } = await compared(1.05, 0.01)
  expect(verdict).toBe('slower')
  expect(now.high).toBeLessThan(0.97)
  expect(now.low).toBeGreaterThan(0.93)
})

test('a loss within what the interval leaves open is no failure', async () => {
  expect(await compared(1.02, 0.01)).toMatchObject({ verdict: 'ok' })
})

test('a row whose commit before differs too much from itself gets more rounds, up to 40, and stays undecided', async () => {
  expect(await compared(1.05, 0.4)).toMatchObject({ verdict: 'undecided', rounds: MOST_ROUNDS })
})

test('more rounds end as soon as the noise is small', async () => {
  const list = [...rounds(10, 1, 0.1), ...rounds(30, 1, 0.001)]
  let next = 0
  const { verdict, rounds: used } = await compare(async () => list[next++]!, 10)
  expect(verdict).toBe('ok')
  expect(used).toBeGreaterThan(10)
  expect(used).toBeLessThan(MOST_ROUNDS)
})

test('what is slower than all of the noise is a failure in the widest noise', () => {
  expect(judge(rounds(40, 3, 0.4)).verdict).toBe('slower')
})
