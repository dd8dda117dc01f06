/** The members of `_meta` that the stateless revision reserves. */
const PREFIX = 'io.modelcontextprotocol/'

export const META = {
  protocolVersion: `${PREFIX}protocolVersion`,
  clientCapabilities: `${PREFIX}clientCapabilities`,
  clientInfo: `${PREFIX}clientInfo`,
  logLevel: `${PREFIX}logLevel`,
  subscriptionId: `${PREFIX}subscriptionId`,
} as const

/** The extension of tasks, in the capabilities of both sides (2026-07-28). */
export const TASKS_EXTENSION = `${PREFIX}tasks`
