/** Calls: which run owns a call, and what that run adds to the log of the call's stream. */
import type { Journal } from './journal.ts'
import type { Holder, Owner, SessionKey, Status } from './names.ts'

export interface Registration {
  /** `typedId` of the request. */
  id: string
  stream: string
  owner: Owner
  /** The connection that holds the call's stream from the start; absent where none does. */
  holder?: Holder | undefined
  /** The request, for a call that another instance may run again. */
  request?: string | undefined
  /**
   * The call has a journal, and may be suspended. Its request is stored where builds before the journal do not find it: such an
   * instance ends the call with an error, and does not run it again without its journal.
   */
  durable?: boolean | undefined
  /** With so many calls or more the session is marked as full. The call is registered all the same. */
  max?: number | undefined
  /** How old the mark of an early cancel may be, in ms. An older one was meant for an earlier call with the same id. */
  markAge?: number | undefined
}

/**
 * ok: the call is registered; `cancelled` where its cancel came first. lost: another run has the call, or it has ended.
 * gone: no such session. A handler runs when its call registers, so nothing else is refused: several calls may have one id.
 */
type RegisterReply = { status: 'ok'; cancelled: boolean; level: string | undefined } | Status<'lost' | 'gone'>

/** An ask of a durable call. */
export interface DurableAsk {
  id: string
  /** A digest: it finds the ask in a later run. */
  key: string
  /** Of what is asked. */
  digest: string
  /** ms from now until its deadline, which is never beyond the end of the session. */
  timeout: number
}

export interface Append {
  stream: string
  /** The run that appends. Any run but the registered owner is refused (the fence). */
  owner: Owner
  /** The number of the first message. */
  from: number
  messages: string[]
  tag: string
  /** The last message ends the stream, and the call is forgotten in the same step. */
  final: boolean
  /** Registers the call in the same step, before the messages are added. */
  register?: Registration | undefined
  /** The call was registered as durable, or is with this append. */
  durable?: boolean | undefined
  /** Of a durable call: the ordinal of the handler's last message among those of its runs that these messages are or follow. */
  said?: number | undefined
  /** Asks that these messages carry: they become pending in the same step. */
  asks?: string[] | undefined
  /** As `asks`, of a durable call. */
  durableAsks?: DurableAsk[] | undefined
  /** With `final`: asks of this call to forget. */
  forget?: string[] | undefined
}

/** What a session keeps of logs, requests and answers, as far as they are counted. */
export interface Kept {
  /** In bytes. */
  held: number
  /** For how many ms some of it is kept at most, unless a heartbeat slides that. */
  heldFor: number
}

/**
 * ok: the messages are in the log, also when the same run sends the same ones again. lost: another run owns the call, or
 * it has ended. cancelled: nothing was added; the run must stop and call `endCall`. gap: `from` is beyond `end + 1`; send
 * again from there. gone: no such session.
 */
export interface AppendReply extends Kept {
  status: 'ok' | 'lost' | 'cancelled' | 'gap' | 'gone'
  /** The number of the last entry of the log. */
  end: number
  holder: Holder | undefined
  level: string | undefined
}

export interface CallEnd {
  stream: string
  owner: Owner
  /** Adds an entry without text that ends the log. Without it, and where nothing was logged, the holder is forgotten too. */
  mark: boolean
  /** The call was registered as durable. */
  durable?: boolean | undefined
  /** Asks of this call to forget. */
  forget?: string[] | undefined
}

/** ok: the call has ended, also when repeated; `holder` holds its stream. lost: another run owns it, or it had ended. */
type EndReply = { status: 'ok'; cancelled: boolean; holder: Holder | undefined } | Status<'lost' | 'gone'>

/** lost: another run owns the call, or it has ended. gone: no such session. */
export type CallLook =
  | (Kept & {
      status: 'ok'
      cancelled: boolean
      level: string | undefined
      /** The answers that have arrived, by ask. */
      answers: Map<string, string>
      /** The connection that holds the call's stream. */
      holder: Holder | undefined
    })
  | Status<'lost' | 'gone'>

/** over: the call has ended. lost: another run owns it. suspended: it is, and nothing is due. gone: no such session. */
export type ClaimReply =
  | {
      status: 'ok'
      cancelled: boolean
      /** The number of the last entry: the new run goes on at `end + 1`. */
      end: number
      /** `typedId` of the call's request, and the stored request where the call may be run again. */
      id: string | undefined
      request: string | undefined
      /** The asks of the runs before, to be forgotten with the call. */
      asks: string[]
      /** Of a durable call. */
      journal?: Journal | undefined
    }
  | Status<'lost' | 'over' | 'suspended' | 'gone'>

/**
 * ok: the call is cancelled; notify its owner. ended: nobody ran the call, and it has ended in this step; notify its holder.
 * unknown: no call of the session has this id.
 */
export type CancelReply =
  | { status: 'ok'; owner: Owner; stream: string }
  | { status: 'ended'; holder: Holder | undefined; stream: string }
  | Status<'unknown'>

export interface CallEntry {
  /** `typedId` of the request. */
  id: string
  stream: string
  owner: Owner
  holder: Holder | undefined
  /** The call is suspended, and nothing is due: no run may claim it. */
  suspended?: true | undefined
}

export interface CallStore {
  /** Registers a call: from now on its run alone may append to its stream, until another run claims it. */
  register(key: SessionKey, registration: Registration): Promise<RegisterReply>
  /** Adds messages to the log of a call, all of them or none, and numbered without a hole. */
  append(key: SessionKey, append: Append): Promise<AppendReply>
  /** Ends a call without a message: its request, its asks and its registration are forgotten. */
  endCall(key: SessionKey, call: CallEnd): Promise<EndReply>
  /**
   * The heartbeat of a run: reports a claim, a cancel and answers, and slides the lifetimes (session: `lifetime` ms, and `most`
   * in all). `durable`: the journal's too.
   */
  lookCall(
    key: SessionKey,
    stream: string,
    owner: Owner,
    asks: string[],
    lifetime: number,
    most?: number,
    durable?: boolean,
  ): Promise<CallLook>
  /** The calls of a session. */
  calls(key: SessionKey): Promise<CallEntry[]>
  /** Counts the calls of a session, and unmarks it where that are fewer than `max`. */
  countCalls(key: SessionKey, max: number): Promise<number>
  /**
   * Takes the call of a stream over from `expected` ('' for a released call). Of several runs that claim it one gets it,
   * and a repeat by that run is ok too. The run before can add nothing afterwards. Asks of a durable call whose deadline has
   * passed are {@link TIMED_OUT} from then on. `evenSuspended`: also where it is suspended and nothing is due, to end it.
   */
  claim(key: SessionKey, stream: string, expected: Owner, owner: Owner, evenSuspended?: boolean): Promise<ClaimReply>
  /** Gives a call up, if this run owns it: any run may claim it. */
  releaseCall(key: SessionKey, stream: string, owner: Owner): Promise<void>
  /**
   * Cancels the call of a request, `id` being its `typedId`: nothing more is added to its log. A call that nobody runs ends. Where several calls have the
   * id, one of them: the newest while it runs, then another, and until that has ended the same one. Where no call has the id yet, a mark cancels the first call that registers with it within `cancelMark` ms.
   */
  cancel(key: SessionKey, id: string): Promise<CancelReply>
}
