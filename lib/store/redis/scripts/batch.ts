/** One script in place of many: it does for several sessions what another script does for one. */
import { flag, list, text } from './decode.ts'
import type { Keys } from './keys.ts'
import type { Script, Settings } from './script.ts'

/** The reply for one of them, or the reason why there is none. */
type Outcome<Reply> = { reply: Reply } | { error: unknown }

/**
 * Defines the script that does the work of `one` for each of the objects that it is given. The failure of one is not that of the
 * others, unless the server itself takes no writes: its client has to see that.
 * `failure` makes an error of the text of one of Redis.
 * Keys: those of each. Arguments: of each their number, and then themselves. Reply: for each 1 and its reply, or 0 and the error.
 */
export function batchOf<Given, Reply>(
  name: string,
  { order, reply, lua, numberOfKeys = 0 }: Script<Given, Reply>,
  failure: (message: string) => Error,
): Script<Given[], Outcome<Reply>[]> {
  return {
    name,
    numberOfKeys: undefined,
    lua: `local function one(KEYS, ARGV)
${lua}
end
local each, at, outcomes = ${numberOfKeys}, 1, {}
for i = 1, #KEYS / each do
  local keys, arguments = {}, {}
  for j = 1, each do keys[j] = KEYS[(i - 1) * each + j] end
  for j = 1, tonumber(ARGV[at]) do arguments[j] = ARGV[at + j] end
  at = at + 1 + #arguments
  local done, result = pcall(one, keys, arguments)
  if not done then
    result = type(result) == 'table' and result.err or tostring(result)
    local readonly = string.match(result, 'READONLY.*')
    if readonly then return redis.error_reply(readonly) end
  end
  outcomes[i] = { done and 1 or 0, result }
end
return outcomes
`,
    order(given: Given[], settings: Settings, keys: Keys) {
      const ordered = given.map((one) => order(one, settings, keys))
      const names = ordered.flatMap((items) => items.slice(0, numberOfKeys))
      const items = ordered.flatMap((items) => [items.length - numberOfKeys, ...items.slice(numberOfKeys)])
      return [names.length, ...names, ...items]
    },
    reply: (outcomes, given) =>
      list(outcomes).map((outcome, i) => {
        const [done, result] = list(outcome)
        try {
          return flag(done) ? { reply: reply(result, given[i] as Given) } : { error: failure(text(result)) }
        } catch (error) {
          return { error }
        }
      }),
  }
}
