/** The settings of sessions and calls, of every revision: rows of the table of `settings.ts`. */
import { DAY, type Group, HOUR, MIB, MINUTE, rows, SECOND, SHORTEST } from './base/setting.ts'

const duration = rows('duration')
const count = rows('count')
const flag = rows('flag')
const choice = rows('choice')

const LIFETIME = { from: 1, to: 10 * 365 * 86_400 } // Redis counts the lifetimes of sessions, in seconds

export const CALL_SETTINGS = {
  /** Sessions, for clients of all revisions before 2026-07-28, and limits of calls of every revision. */
  session: {
    /** How long a session lives without a request. Several clients never open a second session, so it is long. */
    idleLifetime: duration(DAY, 'SESSION_IDLE_SECONDS', LIFETIME),
    /** How long a session lives without any request after `initialize`. Some clients open a session per call. */
    firstLifetime: duration(10 * MINUTE),
    /** From `initialize` until the session ends in any case. */
    maxLifetime: duration(30 * DAY, 'SESSION_MAX_SECONDS', LIFETIME),
    /** How long a call may run before the other instances can find it (for cancel and DELETE). */
    registerAfter: duration(50),
    /** How long a call may run before its response becomes a stream, for a client that accepts one. */
    streamAfter: duration(2 * SECOND),
    /**
     * How long a client that sent a progress token hears nothing before it gets an automatic progress message; 0:
     * never.
     */
    autoProgress: duration(20 * SECOND),
    /** From one comment on an idle stream, and one look at the store for lost messages, to the next; 0: never. */
    heartbeat: duration(15 * SECOND, 'HEARTBEAT_SECONDS'),
    /** How long a handler waits for the client's answer to an ask. */
    askTimeout: duration(10 * MINUTE),
    /**
     * How long a durable call waits for the answer of its client until it is suspended: then nothing runs for it until the answer is
     * there (see [durable.md](durable.md#suspension)); 0: never. On Lambda with streams: 20 s.
     */
    suspendAfter: duration(0, 'SUSPEND_AFTER_SECONDS'),
    /**
     * The calls that are suspended. `durable`: those of tools that say `durable` or `readOnlyHint`, and of prompts and resources.
     * `all`: every call, for a server whose handlers have all their effects in `ctx.once`.
     */
    suspend: choice('durable', 'SUSPEND', { values: ['durable', 'all'] }),
    /** Suspended calls of one session. Further ones wait as they do without suspension. */
    maxSuspended: count(20),
    /** From the death of an instance until another instance takes its calls over. */
    lease: duration(10 * SECOND, 'LEASE_SECONDS', { from: SHORTEST }),
    /**
     * `hold` keeps GET streams open, `poll` closes them soon and says when to come back, `off` answers 405. On Lambda:
     * `poll`.
     */
    getPolicy: choice('hold', 'GET_POLICY', { values: ['hold', 'poll', 'off'] }),
    /** With `poll`: how long a GET waits for messages. */
    pollWait: duration(2 * SECOND, 'POLL_WAIT_SECONDS'),
    /** With `poll`: when the client should come back. */
    pollRetry: duration(15 * SECOND, 'POLL_RETRY_SECONDS'),
    /** The `retry` of streams: in their first event, and when they are closed as planned. */
    retry: duration(SECOND),
    /** The `retry` for a connection that a newer one replaces. */
    replacedRetry: duration(MINUTE),
    /**
     * How long calls may go on in the drain, which begins after the lame duck. Default of a process that listens: what
     * `SHUTDOWN_SECONDS` leaves.
     */
    drainTimeout: duration(8 * SECOND, 'DRAIN_SECONDS'),
    /**
     * How long the work of `ctx.waitUntil` may take. A drain and a Lambda environment that goes to sleep wait for it so long at
     * most, and within their own time. The log names what is left.
     */
    waitUntilLimit: duration(30 * SECOND, 'WAIT_UNTIL_SECONDS', { from: SHORTEST }),
    /**
     * How long the platform lets a response take, where it does not say so itself; 0: for ever. Streams end in good
     * order before it.
     */
    responseLimit: duration(0, 'RESPONSE_LIMIT_SECONDS'),
    /** How long before that limit the endpoint closes a stream that its client can resume. */
    closeBefore: duration(30 * SECOND),
    /** How long before that limit a running call is handed over or fails. */
    abandonBefore: duration(5 * SECOND),
    /** Messages of one call that may wait for the store before `ctx.progress` and the like wait. */
    maxQueuedMessages: count(1_000),
    /** Bytes of one call that may wait for the store before `ctx.progress` and the like wait. */
    maxQueuedBytes: count(4 * MIB),
    /** Calls of one session at once: all in one instance, and of the others those that run longer than `registerAfter`. */
    maxCalls: count(100, 'MAX_CALLS', { from: 1 }),
    /** Calls of one principal at once, with and without a session. Only with authorization. */
    maxCallsPerPrincipal: count(1_000, 'MAX_CALLS_PER_PRINCIPAL', { from: 1 }),
    /** Sessions of one principal. Only with authorization. */
    maxSessions: count(2_000, 'MAX_SESSIONS_PER_PRINCIPAL', { from: 1 }),
    /** Open streams of one instance: beyond them it opens no stream that waits for messages (GET, `/sse`, `listen`). */
    maxStreams: count(10_000, 'MAX_STREAMS', { from: 1 }),
    /** Resources that one session may be subscribed to at once. */
    maxSubscriptions: count(1_000),
    /**
     * Bytes that the sessions of one client (a principal, or a public address) keep in the store, on all instances, about.
     * Beyond them the client opens no session, and its calls do not stream.
     */
    maxStored: count(128 * MIB, 'MAX_STORED_BYTES', { from: 64 * 1024 }),
    /** Asks of one call. */
    maxAsks: count(100),
    /** How long an instance tries to write again when the store does not answer. */
    storePatience: duration(MINUTE),
  },
  /** The stateless revision 2026-07-28. */
  stateless: {
    /** How long a call may run before its response becomes a stream, for a client that accepts one. */
    streamAfter: duration(2 * SECOND),
    /** How long a client may take to answer the asks of one round. */
    stateLifetime: duration(HOUR),
    /** How long a call may take with all of its rounds, however often its client asks for another state. */
    callLifetime: duration(DAY),
    /**
     * How long the call of a tool of the official SDK that must not run again waits in its instance for the answers of its client;
     * 0: such a call cannot ask. On Lambda: 0.
     */
    park: duration(5 * MINUTE, 'PARK_SECONDS'),
    /** Calls that wait so in one instance. */
    maxParked: count(1_000, 'MAX_PARKED'),
    /** Calls of one principal, or of one public address, that wait so in one instance. */
    maxParkedPerPrincipal: count(100, 'MAX_PARKED_PER_PRINCIPAL'),
    /** Serves `subscriptions/listen`. Default: 1, but 0 where no response can be a stream. */
    listen: flag(true),
    /** Bytes of `requestState`: the answers so far, and the results that `ctx.once` keeps. */
    maxState: count(64 * 1024),
  },
} as const satisfies Record<string, Group>
