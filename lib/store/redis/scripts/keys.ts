/**
 * The name of every key. `mcp` is the prefix, which an option can replace. All keys of a session share the hash tag `{h}`, so they are in one slot of a cluster and one
 * script can change them together. Mailboxes and the list of changes share the tag `{bus}`, so that one blocking read
 * waits for both. Where the bus has several slots, a mailbox and a copy of the list share the tag `{bus.<slot>}`.
 *
 * | key | type | holds |
 * |---|---|---|
 * | `mcp:{h}` | hash | `rec`, `level`, `slid` when its lifetime last slid (`at`: the same, by a build before event keys), `born` when it was opened, `end` when it ends in any case, `d:<name>` data, `u:<uri>` when it was subscribed, `us` how many of these and `ub` their bytes, `db` the bytes of the data, `full` where the session keeps as many bytes as it may, `busy` where it had as many calls as it may, `pos` where the session stands in the list of changes, `adv`, `advn` its last advance; of its own streams: `s:<stream>` holder, `p:<stream>` number of the last entry that a holder was sent, `e:<stream>` end, `b:<stream>` bytes of its log |
 * | `mcp:{h}:live` | hash | of each call: `c:<typed id>` stream, `i:<stream>` typed id, `o:<stream>` owner, `b:<stream>` bytes of its log, `r:<stream>` request, `x:<stream>` cancelled, `s:<stream>` holder, `p:<stream>` number of the last entry that a holder was sent, `a:<ask>` stream, `v:<ask>` answer; of a durable one: `d:<stream>` request, in place of `r:`, `q:<stream>` ordinal of the handler's last message that the log has, `t:<ask>` deadline, `z:<stream>` since when it is suspended, until when it is kept, and the asks that it waits for, `w:<stream>` for how long it was suspended before its run |
| `mcp:{h}:jrn:<stream>` | hash | the journal of a durable call: by the digest of its name `o:` the result of a `once`, `b:` the run that began a single one; by the digest of its key `k:` an ask and a digest of what it asks; `n` the text of its suspension; bytes of the results with their names as `` |
| `mcp:{h}:suspended` | hash | `<stream> <field>`: a copy of the fields above of calls that are suspended for longer than these live |
 * | `mcp:{h}:log:<stream>` | stream | entries `<n>-0` with `t` tag, `m` message and, on the last, `f` |
 * | `mcp:{h}:logs` | sorted set | the streams that have a log, by the time when it expires |
 * | `mcp:{h}:held`, `mcp:{h}:sizes` | sorted set, hash | what the session keeps in bytes: its parts (`<stream>` log and request, `<stream> answers`, `<stream> journal`) by the time when they expire, and the bytes of each, with the sum as `` |
 * | `mcp:{h}:cancel:<typed id>` | string | a cancel that came before its call; `=<stream>`: it ended this call, for its repeat |
 * | `mcp:{h}:marks` | string | how many of these there were in the lifetime of one |
 * | `mcp:{h}:over:<stream>` | string | the end of a call by `endCall` or by its cancel, for its repeat |
 * | `mcp:{h}:post:<stream>:<id>` | string | the number that a posted message got, for its repeat |
 * | `mcp:{h}:task:<id>` | hash | a task, see scripts/tasks.ts; of the stateless revision `h` is a digest of principal and task, and there is no session |
 * | `mcp:{h}:tasks` | sorted set | the tasks of the session, by the time when they were made |
 * | `mcp:{bus}:box:<instance>` | stream | the mailbox of an instance |
 * | `mcp:{bus}:up:<instance>` | string | as `mcp:up:<instance>`, in the slot of the mailboxes, for the script that sends mail |
 * | `mcp:{bus}:instances`, `mcp:{bus}:instance:<instance>` | sorted set, string | the instances that report themselves, by the time when their report expires, and the reports |
 * | `mcp:{bus}:changes`, `mcp:{bus}:changes:trimmed` | stream, string | the list of changes, and the position of the newest change that was removed |
 * | `mcp:{bus.<slot>}:box:<instance>`, `mcp:{bus.<slot>}:up:<instance>` | as with `{bus}` | the same of an instance whose id ends in `.<slot>~` |
 * | `mcp:{bus.<slot>}:changes` | stream | a copy of the list of changes; an entry with `s` stands for all before it |
 * | `mcp:up:<instance>` | string | present while the instance lives |
 * | `mcp:own:<principal>` | sorted set | a principal's sessions, by the time when each expires unless a read slides it |
 * | `mcp:count:<id>` | string | requests counted by all instances |
 * | `mcp:busy:<principal>` | sorted set | the registered calls of a principal, by the time until which they count |
 * | `mcp:held:{<client>}`, `mcp:sizes:{<client>}` | sorted set, hash | what the sessions of a client keep in bytes: sessions by the time until which they count, and the bytes of each, with the sum as `` |
 * | `mcp:user:`, `mcp:handle:`, `mcp:elic:`, `mcp:used:<id>` | string | values |
 * | `mcp:server` | hash | `name` of the server whose prefix this is, `was` the name that it had before |
 */
import type { SessionKey } from '../../names.ts'
import type { ValueKind } from '../../values.ts'

type Session = { key: SessionKey }
type Stream = Session & { stream: string }
type Instance = { instance: string }

/** The tag of an instance's slot of the bus. */
const busOf = ({ instance }: Instance) => `{bus${/\.\d+(?=~$)/.exec(instance)?.[0] ?? ''}}`

/**
 * The keys of a store whose prefix is `at`. Each has the name that it has in the scripts, and is made of what the callers of
 * the scripts pass.
 */
export function keysOf(at: string) {
  const changes = `${at}:{bus}:changes`
  const trimmed = `${changes}:trimmed`
  return {
    session: ({ key }: Session) => `${at}:{${key}}`,
    live: ({ key }: Session) => `${at}:{${key}}:live`,
    log: ({ key, stream }: Stream) => `${at}:{${key}}:log:${stream}`,
    logs: ({ key }: Session) => `${at}:{${key}}:logs`,
    mark: ({ key, id }: Session & { id: string }) => `${at}:{${key}}:cancel:${id}`,
    jrn: ({ key, stream }: Stream) => `${at}:{${key}}:jrn:${stream}`,
    suspended: ({ key }: Session) => `${at}:{${key}}:suspended`,
    held: ({ key }: Session) => `${at}:{${key}}:held`,
    sizes: ({ key }: Session) => `${at}:{${key}}:sizes`,
    marks: ({ key }: Session) => `${at}:{${key}}:marks`,
    over: ({ key, stream }: Stream) => `${at}:{${key}}:over:${stream}`,
    posted: ({ key, stream, id }: Stream & { id: string }) => `${at}:{${key}}:post:${stream}:${id}`,
    box: (of: Instance) => `${at}:${busOf(of)}:box:${of.instance}`,
    here: (of: Instance) => `${at}:${busOf(of)}:up:${of.instance}`,
    copy: ({ slot }: { slot: number }) => `${at}:{bus.${slot}}:changes`,
    instances: (_?: unknown) => `${at}:{bus}:instances`,
    reported: ({ instance }: Instance) => `${at}:{bus}:instance:${instance}`,
    changes: (_?: unknown) => changes,
    trimmed: (_?: unknown) => trimmed,
    up: ({ instance }: Instance) => `${at}:up:${instance}`,
    count: ({ id }: { id: string }) => `${at}:count:${id}`,
    busy: ({ id }: { id: string }) => `${at}:busy:${id}`,
    clientHeld: ({ id }: { id: string }) => `${at}:held:{${id}}`,
    clientSizes: ({ id }: { id: string }) => `${at}:sizes:{${id}}`,
    own: ({ principal }: { principal: string }) => `${at}:own:${principal}`,
    entry: ({ kind, id }: { kind: ValueKind; id: string }) => `${at}:${kind}:${id}`,
    task: ({ key, id }: Session & { id: string }) => `${at}:{${key}}:task:${id}`,
    tasks: ({ key }: Session) => `${at}:{${key}}:tasks`,
    server: (_?: unknown) => `${at}:server`,
  }
}

export type Keys = ReturnType<typeof keysOf>
