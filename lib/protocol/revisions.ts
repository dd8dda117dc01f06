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

/** The features of a revision, beside the members of its types, which lib/protocol/downgrade.ts lists. */
export interface Features {
  /** Requests belong to a session. */
  sessions: boolean
  /** A body may be an array of messages. */
  batches: boolean
  /** A response stream may end with a `retry` before its answer; it begins with an event that has an id and no data. */
  streamsMayPause: boolean
  /** `message` in a progress notification. */
  progressMessage: boolean
  /** `elicitation/create`. */
  elicitation: boolean
  /** `mode` of an elicitation (form, url), and forms with defaults, lists and labelled choices. */
  elicitationModes: boolean
  /** `elicitationId` of a URL elicitation, whose completion is announced. */
  elicitationIds: boolean
  /** Sampling with tools, with `_meta` and with several blocks in one message. */
  richSampling: boolean
  /** The values that `structuredContent` may have. */
  structuredContent: 'nothing' | 'objects' | 'any JSON'
  /** An ask for a capability that the client did not declare is the error -32021 of the call. */
  missingCapabilityError: boolean
  /** `ttlMs` and `cacheScope` in results. */
  cacheHints: boolean
  /** A resource that does not exist is the error -32002; otherwise -32602. */
  resourceNotFoundCode: boolean
}

const OLDEST: Features = {
  sessions: true,
  batches: false,
  streamsMayPause: false,
  progressMessage: false,
  elicitation: false,
  elicitationModes: false,
  elicitationIds: false,
  richSampling: false,
  structuredContent: 'nothing',
  missingCapabilityError: false,
  cacheHints: false,
  resourceNotFoundCode: true,
}
const MARCH: Features = { ...OLDEST, batches: true, progressMessage: true }
const JUNE: Features = { ...MARCH, batches: false, elicitation: true, structuredContent: 'objects' }
const NOVEMBER: Features = {
  ...JUNE,
  streamsMayPause: true,
  elicitationModes: true,
  elicitationIds: true,
  richSampling: true,
}
const STATELESS: Features = {
  ...NOVEMBER,
  sessions: false,
  streamsMayPause: false,
  elicitationIds: false,
  structuredContent: 'any JSON',
  missingCapabilityError: true,
  cacheHints: true,
  resourceNotFoundCode: false,
}

const FEATURES: Readonly<Record<Revision, Features>> = {
  '2024-11-05': OLDEST,
  '2025-03-26': MARCH,
  '2025-06-18': JUNE,
  '2025-11-25': NOVEMBER,
  '2026-07-28': STATELESS,
}

/** The features of a revision. */
export function features(revision: Revision): Features {
  return FEATURES[revision]
}
