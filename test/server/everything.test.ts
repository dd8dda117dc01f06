import { expect, it } from 'vitest'
import { SUPPORTED_REVISIONS } from '../../lib/protocol/revisions.ts'
import { everything } from '../fixtures/everything.ts'
import { call, fakeChannel, request } from './fake-channel.ts'

const server = everything()
const namesOf = (items: { name: string }[]) => items.map(({ name }) => name)

it('has the tools, resources and prompts that the conformance suite asks for', async () => {
  const { tools } = await request(server, 'tools/list')
  expect(namesOf(tools)).toEqual(
    expect.arrayContaining([
      'test_simple_text',
      'test_image_content',
      'test_audio_content',
      'test_embedded_resource',
      'test_multiple_content_types',
      'test_error_handling',
      'test_tool_with_logging',
      'test_tool_with_progress',
      'test_sampling',
      'test_elicitation',
      'test_elicitation_sep1034_defaults',
      'test_elicitation_sep1330_enums',
      'test_reconnection',
      'json_schema_2020_12_tool',
      'test_missing_capability',
      'test_streaming_elicitation',
      'test_logging_tool',
      'test_trigger_tool_change',
      'test_trigger_prompt_change',
      'test_x_mcp_header',
      'test_input_required_result_elicitation',
      'test_input_required_result_sampling',
      'test_input_required_result_list_roots',
      'test_input_required_result_request_state',
      'test_input_required_result_multiple_inputs',
      'test_input_required_result_multi_round',
      'test_input_required_result_tampered_state',
      'test_input_required_result_capabilities',
    ]),
  )
  for (const tool of tools) expect(tool.description, tool.name).toBeTruthy()
  expect(namesOf((await request(server, 'prompts/list')).prompts)).toEqual([
    'test_simple_prompt',
    'test_prompt_with_arguments',
    'test_prompt_with_embedded_resource',
    'test_prompt_with_image',
    'test_input_required_result_prompt',
  ])
  expect(namesOf((await request(server, 'resources/list')).resources)).toEqual(
    expect.arrayContaining(['static-text', 'static-binary', 'watched-resource']),
  )
})

it('has all its tools on the first page', async () => {
  expect(await request(server, 'tools/list')).not.toHaveProperty('nextCursor')
})

it('has more than one page of resources', async () => {
  expect(await request(server, 'resources/list')).toHaveProperty('nextCursor')
})

it('asks three things at once with the keys that the suite expects', async () => {
  const answers = {
    user_name: { action: 'accept', content: { name: 'Ann' } },
    greeting: { role: 'assistant', model: 'm', content: { type: 'text', text: 'Hello,' } },
    client_roots: { roots: [{ uri: 'file:///' }] },
  }
  const channel = fakeChannel({
    revision: '2026-07-28',
    capabilities: { elicitation: {}, sampling: {}, roots: {} },
    answer: ({ key }) => answers[key as keyof typeof answers],
  })
  const result = await call(server, 'test_input_required_result_multiple_inputs', {}, channel)
  expect(channel.asked.map(({ key }) => key)).toEqual(['user_name', 'greeting', 'client_roots'])
  expect(result.content[0].text).toBe('Hello, Ann with 1 roots')
})

it.each([...SUPPORTED_REVISIONS])('serves every list and a call in %s', async (revision) => {
  const channel = fakeChannel({ revision })
  for (const method of ['tools/list', 'prompts/list', 'resources/list', 'resources/templates/list']) {
    const text = JSON.stringify(await request(server, method, {}, channel))
    expect(text.includes('"icons"'), method).toBe(method === 'tools/list' && revision >= '2025-11-25')
    expect(text.includes('"ttlMs"'), method).toBe(revision === '2026-07-28')
  }
  expect((await call(server, 'echo', { message: 'hello' }, channel)).content[0].text).toBe('hello')
  const { content, structuredContent } = await call(server, 'structured_list', {}, channel)
  expect(content[0].text).toBe('[1,2,3]')
  expect(structuredContent).toEqual(revision === '2026-07-28' ? [1, 2, 3] : undefined)
})

it('records that a slow call was aborted', async () => {
  const channel = fakeChannel()
  const slow = call(server, 'slow', { ms: 60_000, label: 'x' }, channel)
  channel.abort()
  await slow
  expect(await channel.user.get('aborted:x')).toBe(process.pid)
})
