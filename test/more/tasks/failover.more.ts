/** A task of 40 legs, whose Redis fails over while a leg runs: Sentinels promote the replica, and the run keeps its leg. */
import { expect, test } from 'vitest'
import { startFleet } from '../../support/fleet.ts'
import type { RedisServer } from '../../support/redis.ts'
import { startWatched } from './sentinels.ts'
import { DrivenTask, LegFile, numbers } from './task.ts'

const LEGS = 40
/** The leg that runs meanwhile, for so many ms. */
const DURING = 15
const PAUSE = 8_000

test('a task survives a failover of Redis, and does nothing twice', async () => {
  const file = new LegFile()
  const watched = await startWatched()
  const redis = { url: watched.url } as RedisServer
  const fleet = await startFleet({}, { module: '../fixtures/legs-task.ts', redis })
  try {
    const task = await DrivenTask.begin(fleet, 'legs', { legs: LEGS, file: file.path, pauses: [DURING], ms: PAUSE })
    for (let leg = 1; leg <= LEGS; leg++) {
      await (leg === DURING ? file.waits(leg) : file.ran(leg))
      if (leg === DURING) await watched.failOver()
      const key = await task.asked()
      expect(key).toBe(`k${leg}`)
      await task.answer(key, leg)
    }
    expect((await task.ended()).status).toBe('completed')
    expect(file.lines().map(([leg]) => leg)).toEqual(numbers(LEGS))
  } finally {
    await fleet.stop()
    await watched.stop()
    file.remove()
  }
}, 600_000)
