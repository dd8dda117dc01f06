/** `mcp-anywhere dev`: two instances in turn, and a change is served without losing a session. */
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type DevClient, sdk1, sdk2, stateless } from './clients.ts'
import { Dev, Project, SERVES, serverSource } from './project.ts'

/** The official clients open their streams again after a second or more. */
const PATIENT = { timeout: 30_000 }

describe.each([
  { place: 'the memory of the command', redis: false, sessions: /memory of this command/, connect: sdk1 },
  { place: 'a Redis of the command', redis: true, sessions: /a Redis of this command/, connect: sdk2 },
])('dev with sessions in $place', ({ redis, sessions, connect }) => {
  let project: Project
  let dev: Dev
  let client: DevClient

  beforeAll(async () => {
    project = new Project()
    dev = await Dev.start(project, { redis })
    client = await connect(dev.url)
  })
  afterAll(async () => {
    await client?.close()
    await dev?.stop()
    project.remove()
  })

  test('names its address, its instances, the place of the sessions, and lines for clients', () => {
    const text = dev.lines.join('\n')
    expect(text).toMatch(/^MCP endpoint +http:\/\/127\.0\.0\.1:\d+\/mcp$/m)
    expect(text).toMatch(/^Instances +2 answer in turn, as in production; each has its own copy of the variables/m)
    expect(dev.lines.find((line) => line.startsWith('Sessions in'))).toMatch(sessions)
    expect(text).toMatch(/^Inspector +npx @modelcontextprotocol\/inspector .*http:\/\/127\.0\.0\.1:\d+\/mcp$/m)
    expect(text).toMatch(/^Claude Code +claude mcp add --transport http a-project http:\/\/127\.0\.0\.1:\d+\/mcp$/m)
  })

  test('answers with two instances in turn', async () => {
    const pids: number[] = []
    for (let i = 0; i < 4; i++) pids.push((await client.call('who')).pid)
    expect(new Set(pids).size).toBe(2)
    expect(pids[0]).toBe(pids[2])
    expect(pids[1]).toBe(pids[3])
  })

  test('delivers an answer to the instance that asked, whichever instance gets it', async () => {
    const answers: string[] = []
    for (let i = 0; i < 3; i++) {
      const from = dev.lines.length
      expect(await client.call('ask')).toMatchObject({ answer: 7 })
      const asked = await dev.line(/tools\/call {2}ask/, from)
      const answered = await dev.line(/POST.* 202 /, from)
      answers.push(`${asked.slice(0, 3)} ${answered.slice(0, 3)}`)
    }
    expect(answers.some((pair) => pair === '[1] [2]' || pair === '[2] [1]')).toBe(true)
  })

  test('prints requests with instance, tool, outcome and time, errors with their place, and what handlers write', async () => {
    const from = dev.lines.length
    await client.call('log')
    await expect(client.call('boom')).rejects.toThrow('thrown on purpose')
    expect(await dev.line(/tools\/call {2}log/, from)).toMatch(
      /^\[[12]\] \d\d:\d\d:\d\d INFO +POST {2}\/mcp {2}tools\/call {2}log {2}200 {2}ok {2}[\d.]+ ms/,
    )
    await dev.line(/^\[[12]\] written by a handler$/, from)
    await dev.line(/^\[[12]\] .*Error: thrown on purpose$/, from)
    const place = await dev.line(/^\[[12]\] +at .*server\.ts:/, from)
    const line =
      serverSource()
        .split('\n')
        .findIndex((text) => text.includes('thrown on purpose')) + 1
    expect(place).toContain(`${join(project.folder, 'src/server.ts')}:${line}:`)
    expect(await dev.line(/tools\/call {2}boom {2}200/, from)).toMatch(/tool_error {2}[\d.]+ ms {2}fault=exception/)
    // Each time, and not only once in a while.
    const again = dev.lines.length
    await expect(client.call('boom')).rejects.toThrow('thrown on purpose')
    await dev.line(/server\.ts:/, again)
  })

  test('serves a change without losing the session, its stream and its subscription, and announces it', async () => {
    const session = client.sessionId
    await client.subscribe('note://1')
    await client.call('touch')
    await expect.poll(() => client.notices.all, PATIENT).toContain('notifications/resources/updated')
    const seen = client.notices.all.length
    await dev.after(() => {
      project.write(
        'src/server.ts',
        serverSource("server.registerTool('more', {}, async () => new Answer(who()).result)"),
      )
      project.version('v2')
    }, SERVES)
    await expect.poll(() => client.notices.all.slice(seen), PATIENT).toContain('notifications/tools/list_changed')
    await expect.poll(() => client.notices.all.slice(seen), PATIENT).toContain('notifications/resources/list_changed')
    expect(await client.tools()).toContain('more')
    expect(await client.call('who')).toMatchObject({ version: 'v2' })
    expect(await client.read('note://1')).toBe('v2')
    const before = client.notices.all.length
    await client.call('touch')
    await expect.poll(() => client.notices.all.slice(before), PATIENT).toContain('notifications/resources/updated')
    expect(client.sessionId).toBe(session)
  })

  test('answers a call that is under way while a change is served', async () => {
    const { version } = await client.call('who')
    const file = join(project.folder, `done-${version}`)
    let began = () => {}
    const running = new Promise<void>((resolve) => (began = resolve))
    const answer = client.call('wait', { file }, () => began())
    await running
    await dev.after(() => project.version('v3'), SERVES)
    expect(await client.call('who')).toMatchObject({ version: 'v3' })
    project.write(`done-${version}`, '')
    expect(await answer).toMatchObject({ version })
  })

  test('serves clients without sessions: their questions go on in the other instance, and changes are announced', async () => {
    const other = await stateless(dev.url)
    const asked = dev.lines.length
    for (let i = 0; i < 3; i++) expect(await other.call('ask')).toMatchObject({ answer: 7 })
    const runs = dev.lines.slice(asked).filter((line) => /tools\/call {2}ask/.test(line))
    expect(new Set(runs.map((line) => line.slice(0, 3))).size).toBe(2)
    expect(runs.some((line) => line.includes('input_required'))).toBe(true)
    await dev.after(() => project.version('for listeners'), SERVES)
    await expect.poll(() => other.notices.all, PATIENT).toContain('notifications/tools/list_changed')
    expect(await other.call('ask')).toMatchObject({ version: 'for listeners', answer: 7 })
    await other.close()
  })

  test('serves the last of several changes that come at once', async () => {
    const from = dev.lines.length
    for (const version of ['v4', 'v5', 'v6', 'v7']) {
      project.version(version)
      await client.call('who')
    }
    await dev.line(SERVES, from)
    await expect.poll(async () => (await client.call('who')).version, PATIENT).toBe('v7')
  })
})

const RESTORED = /The new version serves|The files are again those of the version that serves/

describe('a change that is no server', () => {
  let project: Project
  let dev: Dev
  let client: DevClient

  beforeAll(async () => {
    project = new Project()
    dev = await Dev.start(project)
    client = await sdk1(dev.url)
  })
  afterAll(async () => {
    await client?.close()
    await dev?.stop()
    project.remove()
  })
  afterEach(async () => {
    await dev.after(() => project.write('src/server.ts', serverSource()), RESTORED)
  })

  test('keeps the version before where its syntax is wrong, and names file and line', async () => {
    const source = serverSource('const unfinished = (')
    const line = source.split('\n').findIndex((text) => text.includes('unfinished')) + 1
    const said = await dev.after(() => project.write('src/server.ts', source), /The version before serves on/)
    expect(said).toMatch(new RegExp(`src/server\\.ts:${line + 1}:\\d+: `))
    expect(await client.call('who')).toMatchObject({ version: 'v1' })
  })

  test('keeps the version before where a file is missing, and is served once the file is there', async () => {
    const source = serverSource("import './missing.js'")
    await dev.after(() => project.write('src/server.ts', source), /missing\.js.*The version before serves on/)
    expect(await client.call('who')).toMatchObject({ version: 'v1' })
    await dev.after(() => project.write('src/missing.ts', 'console.log("found")'), SERVES)
  })

  test('keeps the version before where its module throws, with the place in the file', async () => {
    const source = serverSource("throw new Error('not today')")
    const line = source.split('\n').findIndex((text) => text.includes('not today')) + 1
    const from = dev.lines.length
    await dev.after(() => project.write('src/server.ts', source), /does not start.*The version before serves on/)
    await dev.line(/^\[1\] Error: not today$/, from)
    await dev.line(new RegExp(`server\\.ts:${line}:`), from)
    expect(await client.call('who')).toMatchObject({ version: 'v1' })
  })

  test('keeps the version before where its module waits for ever, until the next change', async () => {
    project.write(
      'src/server.ts',
      serverSource("console.log('waiting')\nawait new Promise(() => setInterval(() => {}, 1000))"),
    )
    await dev.line(/^\[1\] waiting$/)
    expect(await client.call('who')).toMatchObject({ version: 'v1' })
  })
})
