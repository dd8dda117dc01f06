import { describe, expect, it } from 'vitest'
import { completeResult } from '../../lib/protocol/complete-result.ts'
import {
  downgradeCapabilities,
  downgradeContent,
  downgradeImplementation,
  downgradePrompt,
  downgradePromptResult,
  downgradeReadResult,
  downgradeResource,
  downgradeTool,
  downgradeToolResult,
} from '../../lib/protocol/downgrade.ts'
import { downgradeSampling } from '../../lib/protocol/downgrade-sampling.ts'
import { RawJson } from '../../lib/protocol/jsonrpc.ts'
import { type Revision, SESSION_REVISIONS, STATELESS_REVISION } from '../../lib/protocol/revisions.ts'
import type { ContentBlock, Prompt, Resource, Tool } from '../../lib/protocol/types.ts'

const REVISIONS: readonly Revision[] = [...SESSION_REVISIONS, STATELESS_REVISION]
const icons = [{ src: 'https://example.com/icon.png' }]
const _meta = { 'example.com/a': 1 }

const tool: Tool = {
  name: 'a',
  title: 'A',
  description: 'An a',
  inputSchema: { type: 'object' },
  outputSchema: { type: 'object' },
  annotations: { readOnlyHint: true },
  icons,
  _meta,
}

const resource: Resource = {
  uri: 'test://a',
  name: 'a',
  title: 'A',
  description: 'An a',
  mimeType: 'text/plain',
  size: 1,
  annotations: { audience: ['user'], priority: 1, lastModified: '2026-01-01T00:00:00Z' },
  icons,
  _meta,
}

const prompt: Prompt = {
  name: 'a',
  title: 'A',
  description: 'An a',
  arguments: [{ name: 'b', title: 'B', description: 'A b', required: true }],
  icons,
  _meta,
}

const members = (value: object) => Object.keys(value).sort()

/** The members that the published schema of a revision names: `base` in every revision, the others from one on. */
const added = (base: string[], revision: Revision, more: Partial<Record<Revision, string[]>>) =>
  [...base, ...Object.entries(more).flatMap(([first, names]) => (revision >= first ? names : []))].sort()

describe.each(REVISIONS)('in %s', (revision) => {
  it('a tool has the members of the revision', () => {
    expect(members(downgradeTool(tool, revision))).toEqual(
      added(['name', 'description', 'inputSchema'], revision, {
        '2025-03-26': ['annotations'],
        '2025-06-18': ['title', 'outputSchema', '_meta'],
        '2025-11-25': ['icons'],
      }),
    )
  })

  it('a resource has the members of the revision', () => {
    const older = downgradeResource(resource, revision)
    expect(members(older)).toEqual(
      added(['uri', 'name', 'description', 'mimeType', 'size', 'annotations'], revision, {
        '2025-06-18': ['title', '_meta'],
        '2025-11-25': ['icons'],
      }),
    )
    expect(members(older.annotations ?? {})).toEqual(
      added(['audience', 'priority'], revision, { '2025-06-18': ['lastModified'] }),
    )
  })

  it('a prompt has the members of the revision', () => {
    const older = downgradePrompt(prompt, revision)
    expect(members(older)).toEqual(
      added(['name', 'description', 'arguments'], revision, {
        '2025-06-18': ['title', '_meta'],
        '2025-11-25': ['icons'],
      }),
    )
    expect(members(older.arguments?.[0] ?? {})).toEqual(
      added(['name', 'description', 'required'], revision, { '2025-06-18': ['title'] }),
    )
  })

  it('the server and its capabilities have the members of the revision', () => {
    const info = { name: 'a', version: '1', title: 'A', description: 'An a', websiteUrl: 'https://example.com', icons }
    expect(members(downgradeImplementation(info, revision))).toEqual(
      added(['name', 'version'], revision, {
        '2025-06-18': ['title'],
        '2025-11-25': ['description', 'websiteUrl', 'icons'],
      }),
    )
    const capabilities = { logging: {}, tools: {}, completions: {}, experimental: {}, extensions: {} }
    expect(members(downgradeCapabilities(capabilities, revision))).toEqual(
      added(['experimental', 'logging', 'tools'], revision, {
        '2025-03-26': ['completions'],
        '2026-07-28': ['extensions'],
      }),
    )
  })

  it('contents of a resource have the members of the revision', () => {
    const result = { contents: [{ uri: 'test://a', text: 'a', _meta }], _meta }
    expect(downgradeReadResult(result, revision)).toEqual(
      revision >= '2025-06-18' ? result : { contents: [{ uri: 'test://a', text: 'a' }], _meta },
    )
  })

  const blocks: Record<string, ContentBlock> = {
    text: { type: 'text', text: 'a', _meta, annotations: { lastModified: '2026-01-01T00:00:00Z', priority: 1 } },
    image: { type: 'image', data: 'AA==', mimeType: 'image/png', _meta },
    audio: { type: 'audio', data: 'AA==', mimeType: 'audio/wav', _meta },
    resource: { type: 'resource', resource: { uri: 'test://a', text: 'a', _meta }, _meta },
    resource_link: { ...resource, type: 'resource_link' },
  }
  const first: Record<string, Revision> = { audio: '2025-03-26', resource_link: '2025-06-18' }

  it.each(Object.entries(blocks))('content of type %s has a type and members of the revision', (type, block) => {
    const older = downgradeContent(block, revision)
    expect(older.type).toBe(revision >= (first[type] ?? '') ? type : 'text')
    const inside = JSON.stringify(older)
    expect(inside.includes('_meta')).toBe(revision >= '2025-06-18')
    if (revision < '2025-06-18') expect(inside).not.toContain('lastModified')
    if (revision < '2025-11-25') expect(inside).not.toContain('icons')
    if (older.type === 'text' && type !== 'text') expect(older.text).toMatch(/audio\/wav|A: test:\/\/a \(An a\)/)
    expect(downgradePromptResult({ messages: [{ role: 'user', content: block }] }, revision)).toEqual({
      messages: [{ role: 'user', content: older }],
    })
    expect(downgradeToolResult({ content: [block] }, revision)).toEqual({ content: [older] })
  })

  it('structured content is there where the revision has it', () => {
    const content = [{ type: 'text' as const, text: 'a' }]
    const kept = (structuredContent: unknown) =>
      'structuredContent' in downgradeToolResult({ content, structuredContent, isError: false }, revision)
    expect(kept({ a: 1 })).toBe(revision >= '2025-06-18')
    for (const value of [[1], 'a', 1, null]) expect(kept(value)).toBe(revision === STATELESS_REVISION)
  })

  it('an output schema that is no object is listed only where structured content may be any JSON', () => {
    const listed = downgradeTool({ ...tool, outputSchema: { type: 'array' } }, revision)
    expect('outputSchema' in listed).toBe(revision === STATELESS_REVISION)
  })

  it('the arguments are not changed', () => {
    const given = { tool, resource, prompt, blocks }
    const before = structuredClone(given)
    downgradeTool(tool, revision)
    downgradeResource(resource, revision)
    downgradePrompt(prompt, revision)
    downgradeToolResult({ content: Object.values(blocks), structuredContent: [] }, revision)
    expect(given).toEqual(before)
  })
})

it('the newest revisions get the values of the author, not copies', () => {
  const result = { content: [{ type: 'text' as const, text: 'a', _meta }], structuredContent: { a: 1 } }
  for (const revision of ['2025-11-25', '2026-07-28'] as const) {
    expect(downgradeToolResult(result, revision)).toBe(result)
    expect(downgradeTool(tool, revision)).toBe(tool)
    expect(downgradePrompt(prompt, revision)).toBe(prompt)
    expect(downgradeResource(resource, revision)).toBe(resource)
  }
})

it('sampling for older clients has one block a message, and no tools in it', () => {
  const params = {
    maxTokens: 1,
    _meta,
    messages: [
      {
        role: 'assistant' as const,
        _meta,
        content: [
          { type: 'text' as const, text: 'a' },
          { type: 'tool_use' as const, id: '1', name: 'b', input: {} },
        ],
      },
    ],
  }
  expect(downgradeSampling(params, '2025-11-25')).toBe(params)
  expect(downgradeSampling(params, '2025-06-18')).toEqual({
    maxTokens: 1,
    messages: [
      { role: 'assistant', content: { type: 'text', text: 'a' } },
      { role: 'assistant', content: { type: 'text', text: '{"type":"tool_use","id":"1","name":"b","input":{}}' } },
    ],
  })
})

describe('a result of the stateless revision', () => {
  const identity = '{"name":"a","version":"1"}'
  const serverInfo = { 'io.modelcontextprotocol/serverInfo': { name: 'a', version: '1' } }
  const complete = (result: Parameters<typeof completeResult>[0]) => JSON.parse(completeResult(result, identity).text)

  it('has its type and the server that made it', () => {
    expect(complete({ a: 1 })).toEqual({ resultType: 'complete', _meta: serverInfo, a: 1 })
    expect(complete({})).toEqual({ resultType: 'complete', _meta: serverInfo })
    expect(complete(new RawJson('{"a":1}'))).toEqual({ resultType: 'complete', _meta: serverInfo, a: 1 })
    expect(complete(new RawJson('{}'))).toEqual({ resultType: 'complete', _meta: serverInfo })
  })

  it('keeps a type that it has', () => {
    const text = completeResult({ resultType: 'input_required', a: 1 }, identity).text
    expect(JSON.parse(text)).toEqual({ resultType: 'input_required', _meta: serverInfo, a: 1 })
    expect(text.match(/resultType/g)).toHaveLength(1)
  })

  it('keeps the members of _meta that the author wrote', () => {
    expect(complete({ a: 1, _meta })).toEqual({ resultType: 'complete', _meta: { ..._meta, ...serverInfo }, a: 1 })
  })
})
