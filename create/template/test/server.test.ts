import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testClient } from 'mcp-anywhere/testing'
import { server } from '../src/server.ts'

const textResult = (text: string) => [{ type: 'text', text }]

// Clients with a session, and those of the stateless revision. Two instances answer in turn, as in production.
for (const revision of ['2025-11-25', '2026-07-28']) {
  test(`todos are added with progress, and can be read (${revision})`, async () => {
    await using client = await testClient(server, { revision, instances: 2 })
    const progress: (string | undefined)[] = []
    const { content } = await client.callTool(
      { name: 'add_todos', arguments: { todos: ['tea', 'bread'] } },
      { onprogress: ({ message }) => progress.push(message) },
    )
    assert.deepEqual(content, textResult('There are 2 things to do.'))
    assert.deepEqual(progress, ['tea', 'bread'])

    const { contents } = await client.readResource({ uri: 'todo://list' })
    assert.deepEqual(contents, [{ uri: 'todo://list', mimeType: 'text/plain', text: 'tea\nbread' }])
    const { messages } = await client.getPrompt({ name: 'plan_day', arguments: { hours: '3' } })
    assert.deepEqual(messages[0]?.content, { type: 'text', text: 'Plan 3 hours for:\n\n- tea\n- bread' })
  })

  test(`the list is cleared if the user is sure (${revision})`, async () => {
    const answers = [false, true]
    await using client = await testClient(server, {
      revision,
      instances: 2,
      elicit: () => ({ action: 'accept', content: { sure: answers.shift() ?? false } }),
    })
    await client.callTool({ name: 'add_todos', arguments: { todos: ['tea'] } })
    const clear = async () => (await client.callTool({ name: 'clear_todos' })).content
    assert.deepEqual(await clear(), textResult('Left as it was.'))
    assert.deepEqual(await clear(), textResult('Removed 1.'))
  })
}
