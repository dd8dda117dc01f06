/** Errors of handlers: a client gets the same from the official SDK and from here. */
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { lines, text, textOf } from './lines.ts'

const thrown = (error: Error) => () => {
  throw error
}

describe('tools', () => {
  test.each(lines)('an error is a result with isError and the message (%s)', async (_, line) => {
    const server = line.create()
    server.registerTool('fail', {}, thrown(new Error('It failed')))
    server.registerTool('fail-later', {}, async () => Promise.reject(new Error('It failed')))
    const client = await line.connect(server)
    for (const name of ['fail', 'fail-later']) {
      expect(await client.callTool({ name })).toMatchObject({ ...text('It failed'), isError: true })
    }
  })

  test.each(lines)("an error of the SDK is a result with isError and the SDK's message (%s)", async (_, line) => {
    const server = line.create()
    const error = line.error(line.codes.InvalidParams as number, 'There is no such city')
    server.registerTool('fail', {}, thrown(error))
    const client = await line.connect(server)
    const result = await client.callTool({ name: 'fail' })
    expect([textOf(result), result.isError]).toEqual([error.message, true])
    expect(error.message).toContain('There is no such city')
  })

  test.each(lines)('UrlElicitationRequiredError is the error of the request, with its data (%s)', async (_, line) => {
    const server = line.create()
    server.registerTool('fail', {}, thrown(line.urlError('https://example.com/')))
    const client = await line.connect(server)
    await expect(client.callTool({ name: 'fail' })).rejects.toMatchObject({
      code: -32042,
      data: { elicitations: [{ url: 'https://example.com/', elicitationId: 'one' }] },
    })
  })

  test.each(lines)('a result with isError is not checked against the outputSchema (%s)', async (_, line) => {
    const server = line.create()
    server.registerTool('fail', { outputSchema: { a: z.number() } }, () => ({ ...text('No'), isError: true }))
    const client = await line.connect(server)
    expect(await client.callTool({ name: 'fail' })).toMatchObject({ ...text('No'), isError: true })
  })
})

test('an unknown tool is -32602, as in SDK 2.x; SDK 1.x has a result with isError', async () => {
  const outcomes: unknown[] = []
  for (const [name, line] of lines) {
    const server = line.create()
    server.registerTool('one', {}, () => text(''))
    const client = await line.connect(server)
    const outcome = client.callTool({ name: 'other' })
    outcomes.push([
      name,
      await outcome.then(
        ({ isError }) => isError,
        ({ code }: { code: number }) => code,
      ),
    ])
  }
  expect(outcomes).toEqual([
    ['SDK 1.x', true],
    ['here', -32602],
    ['SDK 2.x', -32602],
  ])
})

describe('prompts and resources', () => {
  test.each(lines)('an error of the SDK is the error of the request, with code and data (%s)', async (_, line) => {
    const server = line.create()
    const error = line.error(-32011, 'It is closed', { until: 'noon' })
    server.registerPrompt('fail', {}, thrown(error))
    server.registerResource('fail', 'notes://one', {}, thrown(error))
    const client = await line.connect(server)
    const expected = { code: -32011, message: expect.stringContaining('It is closed'), data: { until: 'noon' } }
    await expect(client.getPrompt({ name: 'fail' })).rejects.toMatchObject(expected)
    await expect(client.readResource({ uri: 'notes://one' })).rejects.toMatchObject(expected)
  })

  test.each(lines)('another error is -32603 with its message (%s)', async (_, line) => {
    const server = line.create()
    server.registerPrompt('fail', {}, thrown(new Error('It failed')))
    server.registerResource('fail', 'notes://one', {}, thrown(new Error('It failed')))
    const client = await line.connect(server)
    const expected = { code: -32603, message: expect.stringContaining('It failed') }
    await expect(client.getPrompt({ name: 'fail' })).rejects.toMatchObject(expected)
    await expect(client.readResource({ uri: 'notes://one' })).rejects.toMatchObject(expected)
  })

  test.each(lines)('arguments that do not fit, and an unknown prompt, are -32602 (%s)', async (_, line) => {
    const server = line.create()
    server.registerPrompt('one', { argsSchema: { a: z.string() } }, () => ({ messages: [] }))
    const client = await line.connect(server)
    await expect(client.getPrompt({ name: 'one', arguments: {} })).rejects.toMatchObject({ code: -32602 })
    await expect(client.getPrompt({ name: 'other' })).rejects.toMatchObject({ code: -32602 })
  })
})

test.each(lines)('the codes have the names of the SDK (%s)', (_, line) => {
  expect(line.codes).toMatchObject({
    ParseError: -32700,
    InvalidRequest: -32600,
    MethodNotFound: -32601,
    InvalidParams: -32602,
    InternalError: -32603,
    UrlElicitationRequired: -32042,
  })
})
