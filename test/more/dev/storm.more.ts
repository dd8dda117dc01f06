/** Many changes of a server while clients call it without a pause: no call fails, and no session is lost. */
import { afterEach, describe, expect, test } from 'vitest'
import { sdk1, sdk2 } from '../../cli/dev/clients.ts'
import { Dev, Project, SERVES, serverSource } from '../../cli/dev/project.ts'

const CHANGES = 12

let project: Project
let dev: Dev | undefined
afterEach(async () => {
  await dev?.stop()
  project.remove()
})

describe.each([
  { place: 'memory', redis: false },
  { place: 'Redis', redis: true },
])('with sessions in $place', ({ redis }) => {
  test('no call fails and no session is lost while the server changes again and again', async () => {
    project = new Project()
    dev = await Dev.start(project, { redis })
    const clients = await Promise.all([sdk1(dev.url), sdk1(dev.url), sdk2(dev.url), sdk2(dev.url)])
    const sessions = clients.map(({ sessionId }) => sessionId)
    let over = false
    let calls = 0
    const callers = clients.map(async (client, i) => {
      while (!over) {
        calls++
        if (i % 2 === 0) await client.call('who')
        else expect(await client.call('ask')).toMatchObject({ answer: 7 })
      }
    })
    const failed = Promise.all(callers).then(() => {})
    for (let i = 0; i < CHANGES; i++) {
      const more = `server.registerTool('tool-${i}', {}, async () => new Answer(who()).result)`
      const changed = dev.after(() => project.write('src/server.ts', serverSource(more)), SERVES)
      await Promise.race([changed, failed])
    }
    over = true
    await failed
    expect(calls).toBeGreaterThan(CHANGES)
    expect(clients.map(({ sessionId }) => sessionId)).toEqual(sessions)
    for (const client of clients) {
      expect(await client.tools()).toContain(`tool-${CHANGES - 1}`)
      expect(client.notices.all).toContain('notifications/tools/list_changed')
      await client.close()
    }
  })
})
