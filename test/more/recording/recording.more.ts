/** `npm run recording` records a call that survives the death of its instance. */
import { expect, test } from 'vitest'
import { record } from '../../../tools/recording/record.ts'
import { render } from '../../../tools/recording/render.ts'
import { expectSurvival } from '../../docs/survival.ts'

test('a call is recorded whose instance is killed, and which another instance ends', async () => {
  const recording = await record({ pages: 4, milliseconds: 1_000, killAfter: 2, lease: 2 })
  expectSurvival(recording)
  expect(recording.moments.filter(({ kind }) => kind === 'resume')).not.toEqual([])
  expect(render(recording)).toContain('the result, from instance')
})
