/**
 * Asks of the stateless revision: each round reaches another instance, and no instance keeps anything between rounds.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Fleet, startFleet } from '../support/fleet.ts'
import type { RpcMessage } from '../support/raw.ts'
import { REPLAYED, written } from '../support/written.ts'
import { ask, retry, type StatelessRequest, send, tool } from './requests.ts'

describe.each(written(REPLAYED))('$name', ({ module, isOwn }) => {
  let fleet: Fleet

  beforeAll(async () => {
    fleet = await startFleet({}, { module })
  })
  afterAll(() => fleet.stop())

  const accept = (content: object) => ({ action: 'accept', content })
  const sampled = { model: 'm', role: 'assistant', content: { type: 'text', text: 'Hello' } }

  function textOf({ result }: RpcMessage): string {
    return result?.content?.[0]?.text
  }

  describe('a call with asks', () => {
    test('takes three rounds on three instances, and its state changes with each round', async () => {
      const request = tool('elicit_then_sample')
      const first = await ask(fleet.at(0), request)
      expect(first.result).toMatchObject({ resultType: 'input_required' })
      expect(first.result.inputRequests['elicit-1']).toMatchObject({ method: 'elicitation/create' })
      expect(JSON.stringify(first.result.inputRequests)).not.toContain('"jsonrpc"')
      const second = await ask(fleet.at(1), retry(request, first, { 'elicit-1': accept({ name: 'Ada' }) }))
      expect(Object.keys(second.result.inputRequests)).toEqual(['sample-1'])
      const third = await ask(fleet.at(2), retry(request, second, { 'sample-1': sampled }))
      expect(Object.keys(third.result.inputRequests)).toEqual(['elicit-2'])
      expect(new Set([first, second, third].map(({ result }) => result.requestState)).size).toBe(3)
      const last = await ask(fleet.at(0), retry(request, third, { 'elicit-2': accept({ send: true }) }))
      expect(last.result.resultType).toBe('complete')
      expect(JSON.parse(textOf(last))).toMatchObject({ name: 'Ada', sent: true })
    })

    test.runIf(isOwn)('sends the asks of one turn together, and keeps partial answers', async () => {
      const request = tool('test_input_required_result_multiple_inputs')
      const first = await ask(fleet.at(0), request)
      expect(Object.keys(first.result.inputRequests)).toEqual(['user_name', 'greeting', 'client_roots'])
      const second = await ask(fleet.at(1), retry(request, first, { user_name: accept({ name: 'Ada' }), extra: 1 }))
      expect(Object.keys(second.result.inputRequests)).toEqual(['greeting', 'client_roots'])
      const rest = { greeting: sampled, client_roots: { roots: [] } }
      expect(textOf(await ask(fleet.at(2), retry(request, second, rest)))).toBe('Hello Ada with 0 roots')
    })

    test('accepts answers by key without a state', async () => {
      const request = tool('ask')
      const inputResponses = { 'elicit-1': accept({ number: 5 }) }
      const answered = await ask(fleet.at(1), { ...request, params: { ...request.params, inputResponses } })
      expect(JSON.parse(textOf(answered))).toEqual(accept({ number: 5 }))
    })

    test.runIf(isOwn).each([
      [12345, 'object'],
      [null, 'object'],
      ['x', 'object'],
      [[], 'object'],
      [{}, '"action"'],
      [{ action: 'maybe' }, '"action"'],
      [{ action: 'accept', content: 'Ada' }, '"content"'],
    ])(
      'ends with an error that names what is wrong with an answer (%j), instead of asking for ever',
      async (bad, named) => {
        const request = tool('ask')
        const first = await ask(fleet.at(0), request)
        for (const at of [1, 2]) {
          const { error, result } = await ask(fleet.at(at), retry(request, first, { 'elicit-1': bad }))
          expect([error?.code, result]).toEqual([-32602, undefined])
          expect(error?.message).toMatch(/inputResponses\["elicit-1"\].*elicitation\/create/)
          expect(error?.message).toContain(named)
        }
        // The state is not used up: the right answer still counts.
        const last = await ask(fleet.at(0), retry(request, first, { 'elicit-1': accept({ number: 1 }) }))
        expect(last.result.resultType).toBe('complete')
      },
    )

    test.runIf(isOwn)('ends with an error for a wrong answer to each kind of ask', async () => {
      const request = tool('test_input_required_result_multiple_inputs')
      const first = await ask(fleet.at(0), request)
      const right = { user_name: accept({ name: 'Ada' }), greeting: sampled, client_roots: { roots: [] } }
      const wrong: [object, string][] = [
        [{ greeting: { ...sampled, model: 5 } }, '"model"'],
        [{ greeting: { ...sampled, role: undefined } }, '"role"'],
        [{ greeting: { ...sampled, content: { text: 'no type' } } }, '"content"'],
        [{ client_roots: {} }, '"roots"'],
        [{ client_roots: { roots: [{ name: 'no uri' }] } }, '"uri"'],
      ]
      for (const [answers, named] of wrong) {
        const { error } = await ask(fleet.at(1), retry(request, first, { ...right, ...answers }))
        expect(error?.code).toBe(-32602)
        expect(error?.message).toContain(named)
      }
    })

    test('refuses the state of a call with another message under the same key', async () => {
      const first = await ask(fleet.at(0), tool('ask', { message: 'One?' }))
      // The message is an argument, and the state is bound to the arguments.
      const other = tool('ask', { message: 'Two?' })
      const refused = await ask(fleet.at(1), retry(other, first, { 'elicit-1': accept({ number: 1 }) }))
      expect(refused.error?.code).toBe(-32602)
    })

    test('passes decline and cancel to the handler', async () => {
      for (const action of ['decline', 'cancel']) {
        const request = tool('ask')
        const first = await ask(fleet.at(0), request)
        expect(JSON.parse(textOf(await ask(fleet.at(1), retry(request, first, { 'elicit-1': { action } }))))).toEqual({
          action,
        })
      }
    })

    test('runs the finally block in every round, and discards the return value while an ask is open', async () => {
      const request = tool('ask_and_clean_up')
      const first = await ask(fleet.at(0), request)
      expect(first.result.resultType).toBe('input_required')
      const pid = async () => Number(textOf(await ask(fleet.at(2), tool('user_get', { name: 'cleaned-up' }))))
      expect(await pid()).toBe(fleet.instances[0]?.child.pid)
      const last = await ask(fleet.at(1), retry(request, first, { 'elicit-1': accept({ ok: true }) }))
      expect(textOf(last)).toBe('went on: accept')
      expect(await pid()).toBe(fleet.instances[1]?.child.pid)
      expect(textOf(await ask(fleet.at(0), tool('user_get', { name: 'failed' })))).toBe('null')
    })

    test('can be a prompt', async () => {
      const request = { method: 'prompts/get', params: { name: 'test_input_required_result_prompt' } }
      const first = await ask(fleet.at(0), request)
      const [key] = Object.keys(first.result.inputRequests)
      const answer = await ask(fleet.at(1), retry(request, first, { [String(key)]: accept({ context: 'rain' }) }))
      expect(answer.result).toMatchObject({ resultType: 'complete', messages: expect.any(Array) })
    })
  })

  describe('a requestState', () => {
    const request = tool('ask')

    test('that was changed, truncated or invented is refused with an error that gives no reason', async () => {
      const { result } = await ask(fleet.at(0), request)
      const state = result.requestState as string
      const flipped = `${state.slice(0, -4)}${state.at(-4) === 'A' ? 'B' : 'A'}${state.slice(-3)}`
      const bodies = new Set<string>()
      for (const requestState of [
        flipped,
        state.slice(1),
        `${state}A`,
        '',
        'x',
        17,
        null,
        {},
        state.replaceAll('-', '+'),
      ]) {
        if (requestState === state) continue
        const inputResponses = { 'elicit-1': accept({ number: 1 }) }
        const answer = await ask(fleet.at(1), {
          ...request,
          params: { ...request.params, inputResponses, requestState },
        })
        expect(answer.error?.code).toBe(-32602)
        bodies.add(JSON.stringify(answer.error))
      }
      expect(bodies.size).toBe(1)
    })

    test('is refused for another tool, other arguments or another method', async () => {
      const first = await ask(fleet.at(0), request)
      const others: StatelessRequest[] = [
        tool('ask_url'),
        tool('ask', { timeout: 5 }),
        { method: 'prompts/get', params: { name: 'ask' } },
      ]
      for (const other of others) {
        const answer = await ask(fleet.at(1), retry(other, first, { 'elicit-1': accept({ number: 1 }) }))
        expect(answer.error?.code).toBe(-32602)
      }
    })

    test('may be sent again by a client that lost the response', async () => {
      const first = await ask(fleet.at(0), request)
      const again = retry(request, first, { 'elicit-1': accept({ number: 3 }) })
      for (const at of [0, 1, 2])
        expect(JSON.parse(textOf(await ask(fleet.at(at), again)))).toEqual(accept({ number: 3 }))
    })
  })

  describe.runIf(isOwn)('a tool that asks', () => {
    test.each([
      ['ask', { elicitation: {} }, {}],
      ['test_sampling', { sampling: {} }, { elicitation: {} }],
      ['roots', { roots: {} }, { elicitation: {} }],
      ['ask_url', { elicitation: { url: {} } }, { elicitation: {} }],
      ['sample_tools', { sampling: { tools: {} } }, { sampling: {} }],
    ])('(%s) is 400 and -32021 for a client without %j', async (name, required, capabilities) => {
      const args = name === 'test_sampling' ? { prompt: 'x' } : {}
      const response = await send(fleet.at(0), { ...tool(name, args), capabilities })
      expect(response.status).toBe(400)
      const { error } = (await response.json()) as RpcMessage
      expect(error).toMatchObject({ code: -32021, data: { requiredCapabilities: expect.any(Object) } })
      expect(Object.keys(error?.data.requiredCapabilities)).toEqual(Object.keys(required))
    })

    test('is -32021 in a round whose request lacks the capability', async () => {
      const request = tool('elicit_then_sample')
      const first = await ask(fleet.at(0), request)
      const second = {
        ...retry(request, first, { 'elicit-1': accept({ name: 'A' }) }),
        capabilities: { elicitation: {} },
      }
      expect((await ask(fleet.at(1), second)).error?.code).toBe(-32021)
    })
  })
})
