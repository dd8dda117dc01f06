/** Sessions: their records, their data and their subscriptions. */
import type { Holder, Owner, SessionKey, Status } from './names.ts'

export interface SessionRow {
  record: string
  /** The log level that the client has set. */
  level: string | undefined
  /** The session had as many calls as it may when one registered: {@link CallStore.countCalls} finds whether it still has. */
  busy?: boolean
  /** The session keeps as many bytes as it may. */
  full: boolean
  /** This read is the first that slides the lifetime of the session. */
  first?: boolean | undefined
  /**
   * True where an instance of a build before event keys has served the session. Only a store in which such sessions can be
   * has to report it.
   */
  servedByOlder?: boolean
  /** True where a build before stored ends opened the session: it needs {@link SessionStore.dateSession}. */
  undated?: boolean
  /** Where the store keeps records in this process: the same object until the record changes. */
  readonly kept?: KeptRecord | undefined
}

/** What the reader of a record has made of it. */
export interface KeptRecord {
  read?: unknown
}

/** How many sessions a principal may have. */
export interface Quota {
  id: string
  max: number
}

/** The write was done, or the session does not exist and nothing was written. */
export type WriteReply = { status: 'ok' | 'gone' }

/** As {@link WriteReply}. full: the values of the session have as many bytes as they may; nothing was written. */
export type DataReply = { status: 'ok' | 'gone' | 'full' }

/**
 * ok: the session existed and has ended now. repeated: it had ended shortly before, and these holders and owners may
 * not have heard of it. gone: there is no session, and nobody to notify.
 */
export type DeleteReply = { status: 'ok' | 'repeated'; holders: Holder[]; owners: Owner[] } | Status<'gone'>

/** ok: `owners` run the session's calls; notify them of the level. gone: no such session. */
export type LevelReply = { status: 'ok'; owners: Owner[] } | Status<'gone'>

/** ok: `holder` is the connection that holds the GET stream; notify it. gone: no such session. */
export type UnsubscribeReply = { status: 'ok'; holder: Holder | undefined } | Status<'gone'>

/** As {@link UnsubscribeReply}. full: the session has as many subscriptions, or bytes of URIs, as it may; nothing
 * was added. */
export type SubscribeReply = UnsubscribeReply | Status<'full'>

export interface SessionStore {
  /**
   * Writes a new session that lives for `lifetime` ms, and however it is used for `most` ms at most (default: the store's
   * `lifetimes.longest`). A session that exists is not changed. From then on the session gets every change that is
   * published.
   * With `quota` the session is counted under its principal; full: the principal has as many as it may, and nothing was
   * written.
   */
  createSession(
    key: SessionKey,
    record: string,
    lifetime: number,
    quota?: Quota,
    most?: number,
  ): Promise<{ status: 'ok' | 'full' }>
  /**
   * Reads a session in one round trip, undefined where there is none. With `lifetime` the session lives from now on for
   * at least that many ms, and at most a hundredth longer, but for no more than `most` ms in all (default: as it was opened).
   */
  readSession(key: SessionKey, lifetime: number | undefined, most?: number): Promise<SessionRow | undefined>
  /**
   * The session of a build that stored no end was opened at `born` (ms since 1970), and lives for `most` ms in all. gone: that
   * is over. Any other session is not changed.
   */
  dateSession(key: SessionKey, born: number, most: number): Promise<WriteReply>
  /** Replaces the record of a session that exists. */
  replaceRecord(key: SessionKey, record: string): Promise<WriteReply>
  /**
   * Ends a session: once this resolves, no operation finds its record, data, subscriptions, logs or asks. The reply
   * has the holders and owners to notify; a repeat returns them too, for a short while.
   */
  deleteSession(key: SessionKey, owner?: { id: string }): Promise<DeleteReply>
  /** Sets the log level: every later read of the session and every reply about its calls has it. */
  setLevel(key: SessionKey, level: string): Promise<LevelReply>
  getData(key: SessionKey, name: string): Promise<string | undefined>
  /** Sets or (undefined) removes a value of the server's author. It lives as long as the session. */
  setData(key: SessionKey, name: string, value: string | undefined): Promise<DataReply>
  /** Looks whether a session that is {@link SessionRow.full} still is. */
  relieve(key: SessionKey): Promise<void>
  /** Subscribes to a URI. Changes that are published from now on reach the session; earlier ones do not. */
  subscribe(key: SessionKey, uri: string, max: number): Promise<SubscribeReply>
  unsubscribe(key: SessionKey, uri: string): Promise<UnsubscribeReply>
  /** The URIs that the session is subscribed to, in any order. */
  subscriptions(key: SessionKey): Promise<string[]>
}
