/** A task that failed since its runs were lost: its status message says that, and not what a run reported last. */
import { expect, test } from 'vitest'
import { taskOf } from '../../lib/session/call/task-shape.ts'
import { detailedTask } from '../../lib/stateless/tasks.ts'
import type { TaskView } from '../../lib/store/tasks.ts'

const VIEW: TaskView = {
  ...{ status: 'failed', created: 0, updated: 0, ttl: 60_000, poll: 2_000, leg: 1, asks: [] },
  message: 'half of it',
  outcome: undefined,
}

test.each([
  ['2025-11-25', taskOf],
  ['2026-07-28', (id: string, view: TaskView) => detailedTask(id, view)],
])('in %s', (_, shape) => {
  expect(shape('id', VIEW)).toMatchObject({ status: 'failed', statusMessage: expect.stringContaining('was lost') })
  const outcome = '{"error":{"code":-32050,"message":"no"}}'
  expect(shape('id', { ...VIEW, outcome, message: 'no' })).toMatchObject({ statusMessage: 'no' })
  expect(shape('id', { ...VIEW, status: 'working' })).toMatchObject({ statusMessage: 'half of it' })
})
