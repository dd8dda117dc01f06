/** The stateless revision: what one commit seals into `requestState` is opened by the other. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ask, body, headers, META, retry, send, tool } from '../stateless/requests.ts'
import type { Fleet } from '../support/fleet.ts'
import { EventReader, postStream } from '../support/raw.ts'
import { DIRECTIONS, startMixed, textOf } from './mixed.ts'

let fleet: Fleet

beforeAll(async () => {
  fleet = await startMixed()
})
afterAll(() => fleet.stop())

const accept = (content: object) => ({ action: 'accept', content })
const sampled = { model: 'm', role: 'assistant', content: { type: 'text', text: 'Hello' } }
const URI = 'test://watched-resource'

describe.each(DIRECTIONS)('$direction', ({ from, to, back, also }) => {
  test('a call of three rounds goes on at each round, and what was done once is not done again', async () => {
    const request = tool('elicit_then_sample')
    const first = await ask(fleet.at(from), request)
    const second = await ask(fleet.at(to), retry(request, first, { 'elicit-1': accept({ name: 'Ada' }) }))
    expect(Object.keys(second.result.inputRequests)).toEqual(['sample-1'])
    const third = await ask(fleet.at(back), retry(request, second, { 'sample-1': sampled }))
    expect(Object.keys(third.result.inputRequests)).toEqual(['elicit-2'])
    const last = await ask(fleet.at(also), retry(request, third, { 'elicit-2': accept({ send: true }) }))
    expect(last.result.resultType).toBe('complete')
    expect(JSON.parse(textOf(last))).toMatchObject({ name: 'Ada', sent: true })
  })

  test('partial answers are kept', async () => {
    const request = tool('test_input_required_result_multiple_inputs')
    const first = await ask(fleet.at(from), request)
    const second = await ask(fleet.at(to), retry(request, first, { user_name: accept({ name: 'Ada' }) }))
    expect(Object.keys(second.result.inputRequests)).toEqual(['greeting', 'client_roots'])
    const rest = { greeting: sampled, client_roots: { roots: [] } }
    expect(textOf(await ask(fleet.at(back), retry(request, second, rest)))).toBe('Hello Ada with 0 roots')
  })

  test('a prompt goes on, and a state that is sent again is answered again', async () => {
    const prompt = { method: 'prompts/get', params: { name: 'test_input_required_result_prompt' } }
    const asked = await ask(fleet.at(from), prompt)
    const [key = ''] = Object.keys(asked.result.inputRequests)
    const got = await ask(fleet.at(to), retry(prompt, asked, { [key]: accept({ context: 'rain' }) }))
    expect(got.result).toMatchObject({ resultType: 'complete', messages: expect.any(Array) })
    const first = await ask(fleet.at(from), tool('ask'))
    const again = retry(tool('ask'), first, { 'elicit-1': accept({ number: 3 }) })
    for (const at of [to, back, also])
      expect(JSON.parse(textOf(await ask(fleet.at(at), again)))).toEqual(accept({ number: 3 }))
  })

  test('a state is refused for other arguments, and when it was changed', async () => {
    const first = await ask(fleet.at(from), tool('ask'))
    const answers = { 'elicit-1': accept({ number: 1 }) }
    expect((await ask(fleet.at(to), retry(tool('ask', { timeout: 5 }), first, answers))).error?.code).toBe(-32602)
    const { requestState } = first.result
    const changed = { ...first, result: { requestState: `${requestState}A` } }
    expect((await ask(fleet.at(to), retry(tool('ask'), changed, answers))).error?.code).toBe(-32602)
  })

  test('values of the user and handles are those of the other', async () => {
    const name = `stateless-${from}`
    await ask(fleet.at(from), tool('user_set', { name, value: 'kept' }))
    expect(textOf(await ask(fleet.at(to), tool('user_get', { name })))).toBe('"kept"')
    const handle = textOf(await ask(fleet.at(from), tool('handle_create', { value: 'kept' })))
    expect(textOf(await ask(fleet.at(to), tool('handle_get', { handle })))).toBe('"kept"')
  })

  test('a listening client hears what the other announces', async () => {
    const notifications = { toolsListChanged: true, resourceSubscriptions: [URI] }
    const listen = { id: 'L', method: 'subscriptions/listen', params: { notifications } }
    const stream = await postStream(fleet.at(from), body(listen), { headers: headers(listen) })
    expect((await stream.message())?.method).toBe('notifications/subscriptions/acknowledged')
    await fleet.instances[to]?.announce('updated', URI)
    await stream.until(({ method }) => method === 'notifications/resources/updated')
    await ask(fleet.at(also), tool('announce', { what: 'tools' }))
    const { message } = await stream.until(({ method }) => method === 'notifications/tools/list_changed')
    expect(message?.params._meta[META.subscription]).toBe('L')
    stream.drop()
  })

  test('both describe and list the same, but for the sentences of the fixtures, and entries that one lacks', async () => {
    const shape = (result: unknown) =>
      JSON.parse(JSON.stringify(result, (key, value) => (key === 'description' ? typeof value : value)))
    for (const method of ['server/discover', 'tools/list', 'prompts/list', 'resources/list']) {
      const [one, other] = await Promise.all(
        [from, to].map(async (at) => shape((await ask(fleet.at(at), { method })).result)),
      )
      const listed = ['tools', 'prompts', 'resources'].find((name) => Array.isArray(one[name]))
      if (listed) {
        const names = (result: typeof one): Set<string> =>
          new Set(result[listed].map(({ name }: { name: string }) => name))
        const both = names(one).intersection(names(other))
        expect(both.size).toBeGreaterThan(0)
        for (const result of [one, other]) {
          result[listed] = result[listed].filter(({ name }: { name: string }) => both.has(name))
        }
      }
      // A fixture that gained tools of another kind announces what they need.
      for (const [result, others] of [
        [one, other],
        [other, one],
      ]) {
        for (const name of Object.keys(result.capabilities ?? {})) {
          if (!(name in others.capabilities)) delete result.capabilities[name]
        }
      }
      expect(one).toEqual(other)
    }
  })

  test('progress is streamed', async () => {
    const request = { ...tool('progress', { n: 3 }), meta: { progressToken: 'p' } }
    const messages = await new EventReader(await send(fleet.at(from), request)).rest()
    expect(messages.slice(0, -1).map(({ params }) => params.progress)).toEqual([1, 2, 3])
    expect(messages.at(-1)?.result.resultType).toBe('complete')
  })
})
