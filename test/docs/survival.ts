/** What a recording has to show. */
import { expect } from 'vitest'
import type { Recording } from '../../tools/recording/record.ts'

/** Every message came once and in order, the first from an instance that was killed, the rest from another one. */
export function expectSurvival({ moments }: Recording): void {
  const killed = moments.find(({ kind }) => kind === 'kill')
  const result = moments.at(-1)
  expect(result?.kind).toBe('result')
  expect(result?.by).not.toBe(killed?.by)
  const progress = moments.filter((moment) => moment.kind === 'progress')
  const [{ pages } = { pages: 0 }] = progress
  expect(progress.map(({ page }) => page)).toEqual(Array.from({ length: pages }, (_, i) => i + 1))
  const before = moments.indexOf(killed ?? moments[0]!)
  expect(before).toBeGreaterThan(1)
  for (const moment of progress) expect(moment.by).toBe(moments.indexOf(moment) < before ? killed?.by : result?.by)
}
