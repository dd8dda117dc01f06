/**
 * The name of every key. All keys of a session share the hash tag `{h}`, so they are in one slot of a cluster and one
 * script can change them together. Mailboxes and the list of changes share the tag `{bus}`, so that one blocking read
 * waits for both.
 *
 * | key | type | holds |
 * |---|---|---|
 * | `mcp:{h}` | hash | `rec`, `level`, `at` when its lifetime last slid, `d:<name>` data, `u:<uri>` when it was subscribed, `us` how many of these, `full` while it may have as many calls as it is allowed, `pos` where the session stands in the list of changes, `adv`, `advn` its last advance; of its own streams: `s:<stream>` holder, `p:<stream>` number of the last entry that a holder was sent, `e:<stream>` end, `b:<stream>` bytes of its log |
 * | `mcp:{h}:live` | hash | of each call: `c:<typed id>` stream, `i:<stream>` typed id, `o:<stream>` owner, `b:<stream>` bytes of its log, `r:<stream>` request, `x:<stream>` cancelled, `s:<stream>` holder, `p:<stream>` number of the last entry that a holder was sent, `a:<ask>` stream, `v:<ask>` answer |
 * | `mcp:{h}:log:<stream>` | stream | entries `<n>-0` with `t` tag, `m` message and, on the last, `f` |
 * | `mcp:{h}:logs` | sorted set | the streams that have a log, by the time when it expires |
 * | `mcp:{h}:cancel:<typed id>` | string | a cancel that came before its call |
 * | `mcp:{h}:over:<stream>` | string | the end of a call by `endCall`, for its repeat |
 * | `mcp:{h}:post:<stream>:<id>` | string | the number that a posted message got, for its repeat |
 * | `mcp:{bus}:box:<instance>` | stream | the mailbox of an instance |
 * | `mcp:{bus}:changes`, `mcp:{bus}:changes:trimmed` | stream, string | the list of changes, and the position of the newest change that was removed |
 * | `mcp:up:<instance>` | string | present while the instance lives |
 * | `mcp:own:<principal>` | sorted set | a principal's sessions, by the time when each expires unless a read slides it |
 * | `mcp:count:<id>` | string | requests counted by all instances |
 * | `mcp:busy:<principal>` | sorted set | the registered calls of a principal, by the time until which they count |
 * | `mcp:user:`, `mcp:handle:`, `mcp:elic:`, `mcp:used:<id>` | string | values |
 */
import type { SessionKey } from '../../names.ts'
import type { ValueKind } from '../../values.ts'

interface Session {
  key: SessionKey
}
interface Stream extends Session {
  stream: string
}

export const CHANGES = 'mcp:{bus}:changes'
export const TRIMMED = 'mcp:{bus}:changes:trimmed'

/** Each under the name that it has in the scripts, made of what the scripts' callers pass. */
export const keys = {
  session: ({ key }: Session) => `mcp:{${key}}`,
  live: ({ key }: Session) => `mcp:{${key}}:live`,
  log: ({ key, stream }: Stream) => `mcp:{${key}}:log:${stream}`,
  logs: ({ key }: Session) => `mcp:{${key}}:logs`,
  mark: ({ key, id }: Session & { id: string }) => `mcp:{${key}}:cancel:${id}`,
  over: ({ key, stream }: Stream) => `mcp:{${key}}:over:${stream}`,
  posted: ({ key, stream, id }: Stream & { id: string }) => `mcp:{${key}}:post:${stream}:${id}`,
  box: ({ instance }: { instance: string }) => `mcp:{bus}:box:${instance}`,
  changes: (_: unknown) => CHANGES,
  trimmed: (_: unknown) => TRIMMED,
  up: ({ instance }: { instance: string }) => `mcp:up:${instance}`,
  count: ({ id }: { id: string }) => `mcp:count:${id}`,
  busy: ({ id }: { id: string }) => `mcp:busy:${id}`,
  own: ({ principal }: { principal: string }) => `mcp:own:${principal}`,
  entry: ({ kind, id }: { kind: ValueKind; id: string }) => `mcp:${kind}:${id}`,
}
