/**
 * Values that other implementations send for a member that is absent: `null` from languages that write every field of a
 * type, `[]` for an empty object from PHP, `""` from languages without optional strings. They are read as what they mean,
 * in the members below and nowhere else. docs/leniency.md is the same table with reasons.
 */
import { isObject, type JsonObject } from './jsonrpc.ts'
import { META } from './meta.ts'

/** A value that stands for something else, as JSON. */
type StandIn = 'null' | '[]' | '""'
type Meaning = 'absent' | '{}' | '[]'

/** What a member may be instead of its value, and the rules for its own members. Exported for tests. */
export type Lenient = Readonly<Partial<Record<StandIn, Meaning>>> & { readonly members?: Members }
/** Rules by member; `*` is every other member. Exported for tests. */
export type Members = Readonly<Record<string, Lenient>>

const NULL: Lenient = { null: 'absent' }
const NOTHING: Lenient = { null: 'absent', '[]': 'absent' }
const EMPTY: Lenient = { null: 'absent', '[]': '{}' }

const CAPABILITIES: Members = { '*': { ...EMPTY, members: { '*': EMPTY } } }
const CLIENT_INFO: Lenient = { ...NOTHING, members: { '*': NULL } }

/** The parameters of requests and notifications, of every method. */
const PARAMS: Lenient = {
  ...NOTHING,
  members: {
    _meta: {
      ...NOTHING,
      members: {
        progressToken: NULL,
        [META.clientInfo]: CLIENT_INFO,
        [META.logLevel]: NULL,
        // The specification requires it: null is no value for it.
        [META.clientCapabilities]: { '[]': '{}', members: CAPABILITIES },
      },
    },
    arguments: NOTHING,
    cursor: { null: 'absent', '""': 'absent' },
    capabilities: { ...EMPTY, members: CAPABILITIES },
    clientInfo: CLIENT_INFO,
    context: { ...NOTHING, members: { arguments: { ...NOTHING, members: { '*': NULL } } } },
    inputResponses: NOTHING,
    notifications: { '[]': '{}', members: { '*': NULL } },
    reason: NULL,
  },
}

/** A message with a method, beside its parameters: programs with one type for all messages write every member. */
export const REQUEST: Members = { params: PARAMS, result: NULL, error: NULL }

/** A message without a method. `result: null` beside an error is absent, too. */
export const RESPONSE: Members = { method: NULL, params: NULL, error: NULL, result: { null: '{}', '[]': '{}' } }

/** The answers to asks, by method: results of a session's client, and `inputResponses` of a stateless one. */
export const ANSWERS = {
  'elicitation/create': { content: { ...NOTHING, members: { '*': NULL } }, '*': NULL },
  'sampling/createMessage': { '*': NULL },
  'roots/list': { roots: { null: '[]' }, '*': NULL },
  ping: { '*': NULL },
} as const satisfies Record<string, Members>

/** Replaces, in `object` and in its members, the values that stand for others. */
export function mend(object: JsonObject, members: Members): void {
  for (const name in object) {
    const value = object[name]
    // Most members are texts and numbers, which stand for nothing else.
    if (typeof value !== 'object' && value !== '') continue
    const row = Object.hasOwn(members, name) ? members[name] : members['*']
    if (row === undefined) continue
    const meaning = meaningOf(value, row)
    if (meaning === 'absent') delete object[name]
    else if (meaning !== undefined) object[name] = meaning === '{}' ? {} : []
    else if (row.members !== undefined && isObject(value)) mend(value, row.members)
  }
}

function meaningOf(value: unknown, row: Lenient): Meaning | undefined {
  if (value === null) return row.null
  if (value === '') return row['""']
  return Array.isArray(value) && value.length === 0 ? row['[]'] : undefined
}
