/** The server of functions/server.ts. What the example does is tested as long as the example is there. */
import { describe, expect, it } from 'vitest'
import { server } from '../../functions/server.ts'
import { McpServer } from '../../lib/index.ts'
import { call, fakeChannel, request } from './fake-channel.ts'

it('is an McpServer', () => {
  expect(server).toBeInstanceOf(McpServer)
})

describe.runIf(server.info.title === 'Notes')('the example', () => {
  it('keeps the notes of a user, asks before it deletes one, and suggests ids', async () => {
    let sure = false
    const channel = fakeChannel({
      capabilities: { elicitation: {} },
      answer: () => ({ action: 'accept', content: { sure } }),
    })
    const { structuredContent } = await call(server, 'add_note', { title: 'Milk', text: 'Buy milk' }, channel)
    const { id } = structuredContent
    expect(channel.announced).toEqual(['resources'])

    const { resources } = await request(server, 'resources/list', {}, channel)
    expect(resources[1]).toMatchObject({ uri: `notes://${id}`, title: 'Milk', mimeType: 'text/plain' })
    const read = (uri: string) => request(server, 'resources/read', { uri }, channel)
    expect((await read(`notes://${id}`)).contents[0].text).toBe('Buy milk')
    expect((await read('notes://')).contents[0].text).toBe('Milk')
    await expect(read('notes://none')).rejects.toMatchObject({ code: -32002 })

    const ref = { type: 'ref/prompt', name: 'summarize' }
    const suggested = await request(
      server,
      'completion/complete',
      { ref, argument: { name: 'id', value: '' } },
      channel,
    )
    expect(suggested.completion.values).toEqual([id])
    const prompt = await request(server, 'prompts/get', { name: 'summarize', arguments: { id } }, channel)
    expect(prompt.messages[0].content.text).toContain('Buy milk')

    expect((await call(server, 'delete_note', { id }, channel)).content[0].text).toBe('Left as it was.')
    sure = true
    expect((await call(server, 'delete_note', { id }, channel)).content[0].text).toBe('Deleted.')
    expect(await call(server, 'delete_note', { id }, channel)).toMatchObject({ isError: true })
  })

  it('reports its progress', async () => {
    const channel = fakeChannel()
    const params = { name: 'import_notes', arguments: { lines: ['a', 'b'] }, _meta: { progressToken: 1 } }
    await request(server, 'tools/call', params, channel)
    expect(channel.notified.map(({ params: { progress, total } }) => [progress, total])).toEqual([
      [1, 2],
      [2, 2],
    ])
  })

  it('counts in a session, and keeps drafts for every client', async () => {
    const old = fakeChannel()
    await call(server, 'count_calls', {}, old)
    expect((await call(server, 'count_calls', {}, old)).content[0].text).toBe('2 times.')
    const stateless = fakeChannel({ revision: '2026-07-28' })
    expect((await call(server, 'count_calls', {}, stateless)).content[0].text).toContain('no session')

    const draft = (await call(server, 'start_draft', { text: 'Once' }, stateless)).content[0].text
    expect((await call(server, 'publish_draft', { draft, title: 'Tale' }, stateless)).content[0].text).toBe(
      'Published.',
    )
    expect(await call(server, 'publish_draft', { draft, title: 'Tale' }, stateless)).toMatchObject({ isError: true })
  })
})
