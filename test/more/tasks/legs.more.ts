/** A task of 40 legs. Each instance that has run one is killed afterwards, and one is killed while it runs. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ask } from '../../stateless/requests.ts'
import { eventually } from '../../support/eventually.ts'
import { startFleet } from '../../support/fleet.ts'

const LEGS = 40
const capabilities = { elicitation: { form: {} }, extensions: { 'io.modelcontextprotocol/tasks': {} } }

test('a task survives the death of every instance that ran it, and does nothing twice', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-anywhere-legs-'))
  const file = join(folder, 'legs')
  const fleet = await startFleet({}, { module: '../fixtures/long-task.ts' })
  try {
    const params = { name: 'legs', arguments: { legs: LEGS, file, hangs: 5 } }
    const { result } = await ask(fleet.url, { method: 'tools/call', params, capabilities })
    const { taskId } = result
    const send = (method: string, more: object = {}) =>
      ask(fleet.url, { method, params: { taskId, ...more }, capabilities }, { headers: { 'mcp-name': taskId } })
    const lines = () => readFileSync(file, 'utf8').trim().split('\n')
    async function kill(pid: string): Promise<void> {
      const index = fleet.instances.findIndex(({ child }) => String(child.pid) === pid)
      await fleet.instances[index]?.kill()
      await fleet.restart(index)
    }
    for (let leg = 1; leg <= LEGS; leg++) {
      const pid = await eventually(async () => {
        try {
          return lines()
            .find((line) => line.startsWith(`${leg} `))
            ?.split(' ')[1]
        } catch {
          return undefined
        }
      })
      // The leg that hangs has its lease for a while: the next poll after that takes it over.
      if (leg === 5) await kill(pid)
      const key = await eventually(async () => {
        const { inputRequests } = (await send('tasks/get')).result
        return inputRequests && Object.keys(inputRequests)[0]
      }, 120_000)
      expect(key).toBe(`k${leg}`)
      if (leg !== 5) await kill(pid)
      await send('tasks/update', { inputResponses: { [key]: { action: 'accept', content: { n: leg } } } })
    }
    const done = await eventually(async () => {
      const task = (await send('tasks/get')).result
      return task.status === 'working' ? undefined : task
    }, 120_000)
    expect(done.status).toBe('completed')
    expect(lines().map((line) => Number(line.split(' ')[0]))).toEqual(Array.from({ length: LEGS }, (_, i) => i + 1))
    expect(new Set(lines().map((line) => line.split(' ')[1])).size).toBe(LEGS)
  } finally {
    await fleet.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}, 900_000)
