/** Files stay small, a class holds little that changes, and where a call stands is one field. */
import { expect, test } from 'vitest'
import { root } from '../../tools/build.ts'
import { sources, strip } from '../../tools/source.ts'
import { declarationsOf, type Member } from './classes.ts'

const LONGEST_FILE = 300
const MOST_CHANGING_FIELDS = 12
const MOST_CASTS = 5

type Files = ReadonlyMap<string, string>
const under = (...folders: string[]) => sources(root, folders)

const tooLong = (files: Files) =>
  [...files]
    .map(([file, source]) => ({ file, lines: source.replace(/\n$/, '').split('\n').length }))
    .filter(({ lines }) => lines > LONGEST_FILE)
    .map(({ file, lines }) => `${file} has ${lines} lines`)

test('no file has more than 300 lines', () => {
  expect(tooLong(under('lib', 'functions', 'tools'))).toEqual([])
})

test('a file of 301 lines is refused, one of 300 is not', () => {
  expect(tooLong(new Map([['lib/a.ts', 'f()\n'.repeat(301)]]))).toEqual(['lib/a.ts has 301 lines'])
  expect(tooLong(new Map([['lib/a.ts', 'f()\n'.repeat(300)]]))).toEqual([])
})

const castsIn = (files: Files) =>
  [...files].flatMap(([file, source]) =>
    [...strip(source, 'blank').matchAll(/\bas\s+(?:unknown|never)\s+as\b/g)].map(() => file),
  )

test('casts through unknown are at most a handful', () => {
  const casts = castsIn(under('lib', 'functions'))
  expect(casts.length, casts.join('\n')).toBeLessThanOrEqual(MOST_CASTS)
})

test('a cast through unknown is counted wherever the formatter breaks it, and not in a comment', () => {
  const source = 'a as unknown as B; c as unknown\n  as D; e as never as F; g as unknown // as unknown as H'
  expect(castsIn(new Map([['lib/a.ts', source]]))).toEqual(['lib/a.ts', 'lib/a.ts', 'lib/a.ts'])
})

const changes = ({ method, modifiers }: Member) => !method && !modifiers.includes('readonly')
const isPrivate = ({ name, modifiers }: Member) => name.startsWith('#') || modifiers.includes('private')

const classesIn = (files: Files) =>
  [...files].flatMap(([file, source]) =>
    declarationsOf(source)
      .filter(({ kind }) => kind === 'class')
      .map(({ name, members }) => ({ name: `${file}: ${name}`, members })),
  )

const changeableIn = (files: Files) =>
  classesIn(files)
    .map(({ name, members }) => ({ name, fields: members.filter((member) => changes(member) && isPrivate(member)) }))
    .filter(({ fields }) => fields.length > MOST_CHANGING_FIELDS)
    .map(({ name, fields }) => `${name} has ${fields.length} private fields that are not readonly`)

test('no class has more than twelve private fields that change', () => {
  expect(changeableIn(under('lib'))).toEqual([])
})

test('a class with thirteen is refused; methods, accessors and what is readonly do not count', () => {
  const fields = [
    '#a = 1',
    '#b?: string',
    '#c: Map<string, { d: number }> = new Map()',
    'private d = () => {\n    f()\n  }',
  ]
  const others = [
    'readonly #x = 1',
    'y = 2',
    '#z() {\n    let e = 1\n  }',
    'get #w() {\n    return 1\n  }',
    'static #v<T>() {}',
  ]
  const source = (count: number) => {
    const more = Array.from({ length: count - fields.length }, (_, index) => `#more${index}: number | undefined`)
    return `export class A<T extends B> extends C {\n  ${[...others, ...fields, ...more].join('\n  ')}\n}\n`
  }
  const refused = ['lib/a.ts: A has 13 private fields that are not readonly']
  expect(changeableIn(new Map([['lib/a.ts', source(13)]]))).toEqual(refused)
  expect(changeableIn(new Map([['lib/a.ts', source(12)]]))).toEqual([])
})

/** Whether a field holds a boolean, or a word out of several, alone or with undefined. */
function isFlag({ name, text }: Member): boolean {
  const declared = text.slice(text.indexOf(name) + name.length)
  const [type = '', value = ''] = declared.replace(/^[?!]?\s*:?/, '').split(/(?<![=!<>])=(?![=>])/)
  const alternatives = type.split('|').map((alternative) => alternative.trim())
  return (
    alternatives.some((alternative) => /^(?:boolean|true|false|'.*')$/.test(alternative)) ||
    /^\s*(?:true|false|!)/.test(value)
  )
}

/** Flags in lib/session/call that say nothing of where a call stands, and what they say. */
const OTHER_FLAGS: Record<string, string> = {
  'Call.#handler': 'whether the handler has settled, for which the end of its call does not wait',
  'Outbox.#running': 'a write to the store is on its way',
  'Outbox.#phase': 'what the queue still takes',
  'SessionChannel.#isDurable': 'the store has a journal for the call, which its request decides',
  'Outbox.#held': 'the store is asked whether the run goes on',
  'CallStream.#isKept': 'the store was given the request',
  'AutoProgress.#quiet': 'nothing was sent since the last progress',
}

/** In lib/session/call: `#state` is the one field of type CallState, and no flag stands beside it. */
function callFaults(files: Files): string[] {
  const fields = classesIn(files).flatMap(({ name, members }) =>
    members.filter(changes).map((member) => ({ name: `${name}.${member.name}`, member })),
  )
  const isOther = (name: string) => Object.keys(OTHER_FLAGS).some((other) => name.endsWith(`: ${other}`))
  const states = fields.filter(({ member }) => /^[^=]*:[^=]*\bCallState\b/.test(member.text))
  const flags = fields.filter(({ name, member }) => isFlag(member) && !isOther(name))
  const wrong = states.length !== 1 || states[0]?.member.name !== '#state'
  return [
    ...(wrong ? [`one field #state: CallState is wanted: ${states.map(({ name }) => name).join() || 'none'}`] : []),
    ...flags.map(({ name }) => `${name} is a flag beside the state`),
  ]
}

test('where a call stands is one field, #state, and no flag stands beside it', () => {
  expect(callFaults(under('lib/session/call'))).toEqual([])
})

test('every other flag is there', () => {
  const flags = classesIn(under('lib/session/call')).flatMap(({ name, members }) =>
    members.filter(isFlag).map((member) => `${name.split(': ')[1]}.${member.name}`),
  )
  expect(flags).toEqual(expect.arrayContaining(Object.keys(OTHER_FLAGS)))
})

test('a call with a flag, with a second state or without a state is refused', () => {
  const faults = (...fields: string[]) =>
    callFaults(new Map([['lib/session/call/call.ts', `export class Call {\n  ${fields.join('\n  ')}\n}\n`]]))
  const state = '#state: CallState = LOCAL'
  const flag = (name: string) => `lib/session/call/call.ts: Call.${name} is a flag beside the state`
  expect(faults(state, '#seen = 0', '#outbox: Outbox | undefined', 'readonly #quiet: boolean', "#id = 'true'")).toEqual(
    [],
  )
  expect(faults(state, '#over = false')).toEqual([flag('#over')])
  expect(faults(state, '#over = !given')).toEqual([flag('#over')])
  expect(faults(state, '#over?: boolean')).toEqual([flag('#over')])
  expect(faults(state, '#over: boolean | undefined')).toEqual([flag('#over')])
  expect(faults(state, 'private over: boolean')).toEqual([flag('over')])
  expect(faults(state, "#stage: 'begun' | 'over' = 'begun'")).toEqual([flag('#stage')])
  expect(faults(state, '#isOver: () => boolean = never')).toEqual([])
  expect(faults('#stage: CallState')).toEqual([
    'one field #state: CallState is wanted: lib/session/call/call.ts: Call.#stage',
  ])
  expect(faults(state, '#before: CallState | undefined')).toHaveLength(1)
  expect(faults('readonly #state: CallState')).toHaveLength(1)
  expect(callFaults(new Map())).toHaveLength(1)
})
