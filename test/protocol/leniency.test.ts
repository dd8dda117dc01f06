/** The table of docs/leniency.md: the code has the same rows, each works everywhere, and nothing else is accepted. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { isObject, type JsonObject } from '../../lib/protocol/jsonrpc.ts'
import { ANSWERS, type Lenient, type Members, mend, REQUEST, RESPONSE } from '../../lib/protocol/leniency.ts'
import { METHODS } from '../../lib/protocol/methods.ts'
import { readMessage } from '../../lib/protocol/read.ts'
import { readAnswer } from '../../lib/server/context/answers.ts'

type Row = [place: string, member: string, value: string, meaning: string]

const STAND_INS = ['null', '[]', '""'] as const

function rowsOf(place: string, members: Members, prefix = ''): Row[] {
  return Object.entries(members).flatMap(([name, lenient]: [string, Lenient]) => {
    const member = prefix + name
    const own = STAND_INS.flatMap((value): Row[] => {
      const meaning = lenient[value]
      return meaning === undefined ? [] : [[place, member, value, meaning]]
    })
    return [...own, ...rowsOf(place, lenient.members ?? {}, `${member}.`)]
  })
}

const REQUESTS = rowsOf('request', REQUEST)
const RESPONSES = rowsOf('response', RESPONSE)
const ANSWER_ROWS = Object.entries(ANSWERS).flatMap(([method, members]) => rowsOf(method, members))

function documented(): Row[] {
  const text = readFileSync(new URL('../../docs/leniency.md', import.meta.url), 'utf8')
  const sections = { '## Requests': 'request', '## Responses': 'response', '## Answers': undefined }
  return Object.entries(sections).flatMap(([heading, place]) => {
    const from = text.indexOf(heading)
    const section = text.slice(from, text.indexOf('\n## ', from + 1))
    return section
      .split('\n')
      .filter((line) => line.startsWith('| `'))
      .map((line) => {
        const cells = line.split('|').map((cell) => cell.trim().replaceAll('`', ''))
        const [named = '', ...rest] = cells.slice(1)
        const [member = '', value = '', meaning = ''] = place === undefined ? rest : [named, ...rest]
        return [place ?? named, member, value, meaning]
      })
  })
}

const ordered = (rows: Row[]) => rows.map((row) => row.join(' | ')).sort()

test('docs/leniency.md has the rows of the code, and no others', () => {
  expect(ordered(documented())).toEqual(ordered([...REQUESTS, ...RESPONSES, ...ANSWER_ROWS]))
})

/** The path of a member. The names of the stateless revision have dots. */
function pathOf(member: string): string[] {
  const name = 'experimental'
  return member
    .replaceAll('io.modelcontextprotocol', 'io~modelcontextprotocol')
    .split('.')
    .map((step, at, steps) => (step === '*' ? (steps[at - 1] === 'experimental' ? 'part' : name) : step))
    .map((step) => step.replaceAll('~', '.'))
}

function put(object: JsonObject, path: string[], value: unknown): JsonObject {
  const [first = '', ...rest] = path
  const inner = isObject(object[first]) ? object[first] : {}
  return { ...object, [first]: rest.length === 0 ? value : put(inner, rest, value) }
}

function at(object: unknown, path: string[]): unknown {
  return path.reduce<unknown>((inner, step) => (isObject(inner) ? inner[step] : undefined), object)
}

const MEANINGS: Record<string, unknown> = { absent: undefined, '{}': {}, '[]': [] }
const parsed = (value: string): unknown => JSON.parse(value)

describe.each([...METHODS.keys(), 'notifications/cancelled', 'own/method'])('%s', (method) => {
  test.each(REQUESTS)('%s: %s may be %s, which means %s', (_place, member, value, meaning) => {
    const path = pathOf(member)
    const message = put({ jsonrpc: '2.0', id: 1, method }, path, parsed(value))
    const read = readMessage(structuredClone(message))
    expect(read.kind).toBe('request')
    expect(at(read.kind === 'request' ? read.request : {}, path)).toEqual(MEANINGS[meaning])
  })
})

test.each(RESPONSES)('%s: %s may be %s, which means %s', (_place, member, value, meaning) => {
  const message = put({ jsonrpc: '2.0', id: 'a', result: { a: 1 } }, pathOf(member), parsed(value))
  const read = readMessage(message)
  expect(read.kind).toBe('response')
  if (read.kind === 'response' && member === 'result') expect(read.response.result).toEqual(MEANINGS[meaning])
  else expect(read).toMatchObject({ response: { result: { a: 1 } } })
})

test('a result of null beside an error is absent, and any other value is refused', () => {
  const error = { code: 1, message: 'no' }
  expect(readMessage({ jsonrpc: '2.0', id: 'a', error, result: null })).toEqual({
    kind: 'response',
    response: { jsonrpc: '2.0', id: 'a', error },
  })
  for (const result of [{}, [], { a: 1 }, '', false]) {
    expect(() => readMessage({ jsonrpc: '2.0', id: 'a', error, result }), JSON.stringify(result)).toThrow('not both')
  }
})

const VALID = {
  'elicitation/create': { action: 'accept' },
  'sampling/createMessage': { model: 'm', role: 'assistant', content: { type: 'text', text: 'x' } },
  'roots/list': { roots: [] },
  ping: {},
}

test.each(ANSWER_ROWS)('an answer to %s: %s may be %s, which means %s', (place, member, value, meaning) => {
  const method = place as keyof typeof VALID
  const path = pathOf(member)
  const answer = readAnswer(method, put(VALID[method], path, parsed(value)))
  expect(answer).toBeTypeOf('object')
  expect(at(answer, path)).toEqual(MEANINGS[meaning])
})

describe('a value that is in no row', () => {
  const others = [null, [], '', [1], 'text', 5, true, {}]

  /** What a member may be without a row: its own type. */
  const fits: Record<string, (value: unknown) => boolean> = {
    params: isObject,
    'params._meta': isObject,
    'params._meta.progressToken': (value) => typeof value === 'string' || typeof value === 'number',
    result: () => false,
    error: () => false,
  }

  test.each(Object.keys(fits))('of %s in a request is refused', (member) => {
    for (const value of others) {
      const lenient = REQUESTS.some(([, name, text]) => name === member && text === JSON.stringify(value))
      const message = put({ jsonrpc: '2.0', id: 1, method: 'tools/call' }, pathOf(member), value)
      const read = () => readMessage(structuredClone(message))
      if (lenient || fits[member]?.(value)) expect(read, JSON.stringify(value)).not.toThrow()
      else expect(read, JSON.stringify(value)).toThrow()
    }
  })

  test('stays as it is, so that what reads the member refuses it', () => {
    for (const value of others) {
      const message = { params: { cursor: value, level: value, name: value, other: value } }
      const before = structuredClone(message)
      mend(message, REQUEST)
      if (value === null || value === '') delete (before.params as JsonObject).cursor
      expect(message).toEqual(before)
    }
  })

  test.each(['id', 'jsonrpc'])('of %s is refused, null as well', (member) => {
    for (const value of [null, [], {}, true]) {
      expect(() => readMessage({ jsonrpc: '2.0', id: 1, method: 'ping', [member]: value })).toThrow()
    }
  })
})
