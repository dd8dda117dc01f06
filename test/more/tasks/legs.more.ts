/** A task of 40 legs. Each instance that has run one is killed afterwards, and one is killed while it runs. */
import { expect, test } from 'vitest'
import { startFleet } from '../../support/fleet.ts'
import { DrivenTask, LegFile, numbers } from './task.ts'

const LEGS = 40
/** The instance is killed while it runs this leg. */
const HANGS = 5

test('a task survives the death of every instance that ran it, and does nothing twice', async () => {
  const file = new LegFile()
  const fleet = await startFleet({}, { module: '../fixtures/legs-task.ts' })
  async function kill(pid: string): Promise<void> {
    const index = fleet.instances.findIndex(({ child }) => String(child.pid) === pid)
    await fleet.instances[index]?.kill()
    await fleet.restart(index)
  }
  try {
    const task = await DrivenTask.begin(fleet, 'legs', { legs: LEGS, file: file.path, pauses: [HANGS], ms: 600_000 })
    for (let leg = 1; leg <= LEGS; leg++) {
      const pid = await (leg === HANGS ? file.waits(leg) : file.ran(leg))
      // The leg that hangs has its lease for a while: the next poll after that takes it over.
      if (leg === HANGS) await kill(pid)
      const key = await task.asked()
      expect(key).toBe(`k${leg}`)
      if (leg !== HANGS) await kill(pid)
      await task.answer(key, leg)
    }
    expect((await task.ended()).status).toBe('completed')
    expect(file.lines().map(([leg]) => leg)).toEqual(numbers(LEGS))
    expect(new Set(file.lines().map(([, pid]) => pid)).size).toBe(LEGS)
  } finally {
    await fleet.stop()
    file.remove()
  }
}, 900_000)
