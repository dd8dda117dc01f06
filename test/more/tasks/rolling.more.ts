/** A rolling deployment under tasks that wait: instances of the build before are replaced by those of a build with other handlers. */
import { expect, test } from 'vitest'
import { InstanceProcess, startFleet } from '../../support/fleet.ts'
import { DrivenTask, LegFile, numbers } from './task.ts'

const LEGS = 40
const MODULE = '../fixtures/legs-task.ts'
/** After this leg one instance is replaced: from here to the last one both builds run the task. */
const FIRST = 10
/** The instance that runs this leg is replaced meanwhile, and hands it over. */
const DURING = 20
/** After this leg the last ones are replaced. */
const LAST = 30

test('a handler that still fits goes on, and one that fits no longer ends its task with an error', async () => {
  const file = new LegFile()
  const fleet = await startFleet({}, { module: MODULE })
  const left = new Set([0, 1, 2])
  async function replace(index: number): Promise<void> {
    left.delete(index)
    const before = fleet.instances[index] as InstanceProcess
    const after = await InstanceProcess.start(fleet.redis.url, {}, false, undefined, `${MODULE}?build=2`)
    fleet.proxy.setTarget(index, after.url)
    fleet.instances[index] = after
    before.signal('SIGTERM')
    expect(await before.ended()).toBe(0)
  }
  try {
    const args = { legs: LEGS, file: file.path, pauses: [DURING], ms: 600_000 }
    const fits = await DrivenTask.begin(fleet, 'legs', args)
    const [changes, goes] = [await DrivenTask.begin(fleet, 'changes'), await DrivenTask.begin(fleet, 'goes')]
    await Promise.all([changes.asked(), goes.asked()])
    for (let leg = 1; leg <= LEGS; leg++) {
      const pid = await (leg === DURING ? file.waits(leg) : file.ran(leg))
      if (leg === DURING) await replace(fleet.instances.findIndex(({ child }) => String(child.pid) === pid))
      const key = await fits.asked()
      expect(key).toBe(`k${leg}`)
      if (leg === FIRST) await replace(0)
      if (leg === LAST) for (const index of left) await replace(index)
      await fits.answer(key, leg)
    }
    const done = await fits.ended()
    expect(done).toMatchObject({ status: 'completed', result: { content: [{ text: 'build 2' }] } })
    // Each step once, by whichever build, and what the new build adds.
    expect(file.lines().map(([leg]) => leg)).toEqual([...numbers(LEGS), 'more'])

    await changes.answer('k1', 1)
    const changed = await changes.ended()
    expect(changed.status).toBe('failed')
    expect(changed.error.message).toMatch(/asks something else than before under the key "k1"/)
    await goes.answer('k1', 1)
    const gone = await goes.ended()
    expect(gone.status).toBe('failed')
    expect(gone.error.message).toMatch(/goes/)
  } finally {
    await fleet.stop()
    file.remove()
  }
}, 900_000)
