/** Releases of the official SDK without the members that are read here: everything goes through their protocol. */
import { describe, expect, test } from 'vitest'
import type { OfficialServer } from '../../lib/sdk/official.ts'
import { accept, call, connect, LINES, reported, textOf } from './lines.ts'

/** The public methods of a low-level server, and nothing else. */
function publicOnly(server: object): OfficialServer {
  const names = ['connect', 'close', 'setRequestHandler', 'setNotificationHandler', 'request', 'notification']
  const method = (name: string) => (Reflect.get(server, name) as (...args: unknown[]) => unknown).bind(server)
  return Object.fromEntries(names.map((name) => [name, method(name)])) as unknown as OfficialServer
}

/** A server that keeps what its client declared in a place of its own. */
function knowingElsewhere<S extends object>(server: S): S {
  let declared: unknown
  const initialize = Reflect.get(server, '_oninitialize') as (request: { params: { capabilities: unknown } }) => unknown
  return Object.assign(server, {
    _oninitialize(request: Parameters<typeof initialize>[0]) {
      declared = request.params.capabilities
      return Reflect.apply(initialize, server, [request])
    },
    getClientCapabilities: () => declared,
  })
}

describe.each(LINES)('a release of %s with other members', (_line, { makeLowLevel }) => {
  test('that keeps its client elsewhere has an instance for each session, which knows that client', async () => {
    const client = await connect(() => knowingElsewhere(makeLowLevel()), { elicit: () => accept('Ada') })
    // Of the one whose instances know their client: the way is slower, and nothing else.
    expect(reported).toEqual([expect.stringMatching(/are not known here: its calls take a slower way/)])
    const other = await client.another({ roots: [] })
    const declared = async (one: typeof other) => (textOf(await call(one, 'who')) as { declared: object }).declared
    expect(Object.keys(await declared(client))).toEqual(['elicitation'])
    expect(Object.keys(await declared(other))).toEqual(['roots'])
  })

  test('is served by its protocol, with a warning', async () => {
    const client = await connect(publicOnly(makeLowLevel()), { elicit: () => accept('Ada') })
    expect(reported).toEqual([expect.stringMatching(/does not know what its clients declared.*slower way/)])
    expect(client.getServerVersion()).toMatchObject({ name: 'low' })
    expect((await client.listTools()).tools.map(({ name }) => name)).toContain('add')
    expect(textOf(await call(client, 'add', { a: 1, b: 2 }))).toBe(3)
    expect(textOf(await call(client, 'ask_related', { message: 'Who?' }))).toEqual(accept('Ada'))
    await expect(call(client, 'nothing')).rejects.toMatchObject({ code: -32602 })
    const received: number[] = []
    const options = { onprogress: ({ progress }: { progress: number }) => void received.push(progress) }
    await client.callTool({ name: 'count', arguments: { n: 4, delayMs: 5 } }, options)
    expect(received.slice(0, 3)).toEqual([1, 2, 3])
  })

  test('ends a call that its client cancels', async () => {
    const client = await connect(publicOnly(makeLowLevel()))
    const { left } = await import('./servers/tools.ts')
    const abort = new AbortController()
    client.setNotificationHandler('notifications/message', () => abort.abort())
    await expect(client.callTool({ name: 'wait' }, { signal: abort.signal })).rejects.toThrow()
    await left
  })
})
