/**
 * Tests of a server with `mcp-anywhere/testing`, for the test runner of Node: the user's answers, several instances, the death
 * of one, and a clock that a test moves on. `node --test examples/testing.ts`
 *
 * The official client is a package of its own: npm install --save-dev @modelcontextprotocol/client@2
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testClient } from 'mcp-anywhere/testing'
import { server as booking } from './asking-the-user.ts'
import { server as words } from './tools-and-progress.ts'

test('a table is booked where the user agrees', async () => {
  const asked: string[] = []
  await using client = await testClient(booking, {
    elicit: ({ message }) => {
      asked.push(message)
      return { action: 'accept', content: asked.length === 1 ? { guests: 2, seat: 'inside' } : { sure: true } }
    },
  })
  const { content } = await client.callTool({ name: 'book_table', arguments: { restaurant: 'Luigi' } })
  assert.match(JSON.stringify(content), /Booked for 2, inside/)
  assert.deepEqual(asked, ['A table at Luigi?', 'Book for 2, inside?'])
})

test('a stateless client gets the same questions', async () => {
  await using client = await testClient(booking, { revision: '2026-07-28', elicit: () => ({ action: 'decline' }) })
  const { content } = await client.callTool({ name: 'book_table', arguments: { restaurant: 'Luigi' } })
  assert.match(JSON.stringify(content), /Nothing was booked/)
})

test('a call goes on when the instance that runs it dies', async () => {
  await using client = await testClient(words, { instances: 3 })
  const texts = Array.from({ length: 20 }, (_, i) => `text ${i}`)
  let killed = false
  const { content } = await client.callTool(
    { name: 'translate', arguments: { texts } },
    {
      onprogress: () => {
        // `readOnlyHint` of the tool lets another instance run it again.
        if (!killed) client.kill()
        killed = true
      },
    },
  )
  assert.equal(content.length, texts.length)
})

test('a user who does not answer ends the question, not the session', async () => {
  const asked = Promise.withResolvers<void>()
  await using client = await testClient(booking, {
    elicit: () => {
      asked.resolve()
      return new Promise(() => {})
    },
  })
  const called = client.callTool({ name: 'book_table', arguments: { restaurant: 'Luigi' } })
  await asked.promise
  // The ask ends after ten minutes, which pass at once.
  await client.advance(600_000)
  assert.equal((await called).isError, true)
  assert.ok((await client.listTools()).tools.length > 0)
})
