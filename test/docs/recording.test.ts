/** docs/recording.svg is what docs/recording.json shows, and that is a whole call. `npm run recording` records another one. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from '../../tools/build.ts'
import type { Recording } from '../../tools/recording/record.ts'
import { render } from '../../tools/recording/render.ts'
import { expectSurvival } from './survival.ts'

const read = (name: string) => readFileSync(join(root, 'docs', name), 'utf8')
const recording: Recording = JSON.parse(read('recording.json'))

test('the picture is that of the record', () => {
  expect(read('recording.svg')).toBe(render(recording))
})

test('the recorded call has each message once, before and after the death of its instance', () => {
  expectSurvival(recording)
})
