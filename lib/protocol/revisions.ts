/** The dated revisions of MCP and their features. */

/** The revisions with sessions, oldest first. */
export const SESSION_REVISIONS = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'] as const
export type SessionRevision = (typeof SESSION_REVISIONS)[number]

export const STATELESS_REVISION = '2026-07-28'
export type Revision = SessionRevision | typeof STATELESS_REVISION

export const LATEST_SESSION_REVISION: SessionRevision = '2025-11-25'

/** The revisions that `server/discover` and the error -32022 name, newest first. */
export const SUPPORTED_REVISIONS: readonly Revision[] = [STATELESS_REVISION, ...[...SESSION_REVISIONS].reverse()]

/** The revision of a request that does not name one. */
export const ASSUMED_REVISION: SessionRevision = '2025-03-26'

export function isSessionRevision(value: unknown): value is SessionRevision {
  return (SESSION_REVISIONS as readonly unknown[]).includes(value)
}

/** True if `revision` is `than` or newer. Revisions are dates, so their text sorts. */
export function isAtLeast(revision: Revision, than: Revision): boolean {
  return revision >= than
}

/**
 * The features of revisions, beside the members of their types, which lib/protocol/downgrade.ts lists: the first revision
 * that has one and, where newer ones lack it, the last.
 */
const FEATURES = {
  /** Requests belong to a session. */
  sessions: ['2024-11-05', '2025-11-25'],
  /** -32002 for a resource that does not exist; else -32602. */
  resourceNotFoundCode: ['2024-11-05', '2025-11-25'],
  /** A body may be an array of messages. */
  batches: ['2025-03-26', '2025-03-26'],
  /** `message` in a progress notification. */
  progressMessage: ['2025-03-26'],
  /** `elicitation/create`. */
  elicitation: ['2025-06-18'],
  /** `structuredContent` that is an object. */
  structuredObject: ['2025-06-18'],
  /** `structuredContent` that is any JSON value. */
  structuredJson: ['2026-07-28'],
  /** A stream may end with `retry` before its response, and begins with an event that has an id and no data. */
  streamsMayPause: ['2025-11-25', '2025-11-25'],
  /** `mode` of an elicitation (form, url), and forms with defaults, lists and labelled choices. */
  elicitationModes: ['2025-11-25'],
  /** `elicitationId` of a URL elicitation, whose completion is announced. */
  elicitationIds: ['2025-11-25', '2025-11-25'],
  /** Tasks as a part of the protocol: the client decides, in its session. The stateless revision has an extension for them. */
  coreTasks: ['2025-11-25', '2025-11-25'],
  /** Sampling with tools, with `_meta` and with several blocks in one message. */
  richSampling: ['2025-11-25'],
  /** -32021 where a handler needs a capability that the client did not declare; else the handler's error. */
  missingCapabilityError: ['2026-07-28'],
  /** `ttlMs` and `cacheScope` in results. */
  cacheHints: ['2026-07-28'],
} as const satisfies Record<string, readonly [first: Revision, last?: Revision]>

type Features = Readonly<Record<keyof typeof FEATURES, boolean>>

function featuresOf(revision: Revision): Features {
  const rows = Object.entries(FEATURES).map(([name, [first, last]]) => {
    return [name, isAtLeast(revision, first) && (last === undefined || isAtLeast(last, revision))]
  })
  return Object.fromEntries(rows) as Features
}

const BY_REVISION = new Map(SUPPORTED_REVISIONS.map((revision) => [revision, featuresOf(revision)]))

/** The features of a revision. */
export function features(revision: Revision): Features {
  return BY_REVISION.get(revision) as Features
}
