/** The dated revisions of MCP and what each may contain. */

/** The revisions with sessions, oldest first. */
export const SESSION_REVISIONS = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'] as const
export type SessionRevision = (typeof SESSION_REVISIONS)[number]

export const STATELESS_REVISION = '2026-07-28'
export type Revision = SessionRevision | typeof STATELESS_REVISION

export const LATEST_SESSION_REVISION: SessionRevision = '2025-11-25'

/** What `server/discover` and the error -32022 name: one list, newest first. */
export const SUPPORTED_REVISIONS: readonly Revision[] = [STATELESS_REVISION, ...[...SESSION_REVISIONS].reverse()]

/** What a request without any sign of its revision speaks. */
export const ASSUMED_REVISION: SessionRevision = '2025-03-26'

export function isSessionRevision(value: unknown): value is SessionRevision {
  return (SESSION_REVISIONS as readonly unknown[]).includes(value)
}

/** True if `revision` is `than` or newer. Revisions are dates, so their text sorts. */
export function isAtLeast(revision: Revision, than: Revision): boolean {
  return revision >= than
}
