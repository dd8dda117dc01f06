/**
 * A Redis script is defined once: the names of its keys, its arguments and its lists, how its reply is read, and its Lua.
 * The names generate the head of the Lua, and the type of the object that the caller passes.
 */
import type { Lifetimes } from '../../options.ts'
import type { Keys } from './keys.ts'

type Names = readonly string[]

/** The values that the names of a script's keys contain, such as the session's key and the stream. */
type Parts<K extends keyof Keys> = {
  [Name in K]: (parts: Parameters<Keys[Name]>[0]) => void
}[K] extends (parts: infer All) => void
  ? All
  : never

/** The numbers that the store has for every script that names them. */
export type Settings = Omit<Lifetimes, 'repeat'> & {
  /** {@link Lifetimes.repeat}: that name is a keyword of Lua. */
  repeatTtl: number
  /** How many messages a log keeps. */
  maxMessages: number
  /** How many bytes of messages a log keeps. */
  maxBytes: number
  /** How many messages wait in a mailbox. */
  maxMail: number
  /** How many bytes of messages wait in a mailbox. */
  maxMailBytes: number
  /** How many bytes a session keeps of logs, requests and answers. */
  sessionBytes: number
  /** How many bytes the author's values of a session have. */
  dataBytes: number
  /** How many bytes the URIs have that a session is subscribed to. */
  uriBytes: number
  /** How many changes the list keeps. */
  maxChanges: number
  /** How far, in ms, the clock of the node that has the list of changes may be behind that of a session's node. */
  slack: number
}

type Input<K extends keyof Keys, T extends string, N extends string, F extends string, L extends string> = Parts<K> &
  Record<T, string> &
  Record<Exclude<N, keyof Settings>, number> &
  Record<F, boolean> &
  Record<L, Names>

interface Definition<K, T, N, F, L, Given, Reply> {
  /** Names of {@link Keys}. */
  keys: readonly K[]
  /** Arguments by type. In Lua a text is a string, a number a number, a flag a boolean, a list a table of strings. */
  texts?: readonly T[]
  numbers?: readonly N[]
  flags?: readonly F[]
  lists?: readonly L[]
  /** The reply of the script, in Lua, where the session does not exist. */
  gone?: string
  reply: (reply: unknown, given: Given) => Reply
  lua: string
}

export interface Script<Given, Reply> {
  /** The name of the client's method for the script. */
  name: string
  /** Undefined: the first of the ordered items is the number. */
  numberOfKeys: number | undefined
  lua: string
  /** The keys and arguments in the order in which the head reads them. */
  order: (given: Given, settings: Settings, keys: Keys) => (string | number)[]
  reply: (reply: unknown, given: Given) => Reply
}

/**
 * Defines a script.
 *
 * @example
 * const lua = "return call('INCRBY', count, n)"
 * const add = defineScript('mcpAdd', { keys: ['count'], numbers: ['n'], reply: number, lua })
 * await commands.script(add, { id: 'requests', n: 1 })
 */
export function defineScript<
  K extends keyof Keys,
  Reply,
  T extends string = never,
  N extends string = never,
  F extends string = never,
  L extends string = never,
>(
  name: string,
  definition: Definition<K, T, N, F, L, Input<K, T, N, F, L>, Reply>,
): Script<Input<K, T, N, F, L>, Reply> {
  const { keys, texts = [], numbers = [], flags = [], lists = [], gone, reply, lua } = definition
  const plain: readonly (T | N)[] = [...texts, ...numbers]
  return {
    name,
    numberOfKeys: keys.length,
    lua: head(keys, texts, numbers, flags, lists, gone) + lua,
    order(given, settings, table) {
      const items: Record<L, Names> = given
      const own = given as Record<T | N, string | number>
      const common: Record<string, number | undefined> = settings
      const ordered: (string | number)[] = []
      for (const name of keys) ordered.push(table[name](given as never))
      for (const name of plain) ordered.push(common[name] ?? own[name])
      for (const name of flags) ordered.push(given[name] ? '1' : '')
      for (const name of lists) ordered.push(items[name].length)
      for (const name of lists) ordered.push(...items[name])
      return ordered
    },
    reply,
  }
}

/** The first lines of a script: `call`, every key, argument and list under its name, and whether the session exists. */
function head(keys: Names, texts: Names, numbers: Names, flags: Names, lists: Names, gone?: string): string {
  let n = 0
  const lines = ['local call = redis.call', ...keys.map((name, i) => `local ${name} = KEYS[${i + 1}]`)]
  for (const name of texts) lines.push(`local ${name} = ARGV[${++n}]`)
  for (const name of numbers) lines.push(`local ${name} = tonumber(ARGV[${++n}])`)
  for (const name of flags) lines.push(`local ${name} = ARGV[${++n}] == '1'`)
  // The lengths of the lists come next, then the items of all lists.
  if (lists.length > 0) lines.push(`local offset = ${n + lists.length}`, ITEMS)
  for (const name of lists) lines.push(`local ${name} = items(ARGV[${++n}])`)
  if (gone !== undefined) lines.push(`if call('EXISTS', session) == 0 then return ${gone} end`)
  return `${lines.join('\n')}\n`
}

const ITEMS = `local function items(length)
  local found = {}
  for i = 1, length do found[i] = ARGV[offset + i] end
  offset = offset + length
  return found
end`
