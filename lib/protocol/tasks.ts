/** Tasks as they are declared: a capability of 2025-11-25, and an extension of 2026-07-28. */
import type { ServerCapabilities } from './types.ts'

/** The extension (2026-07-28). */
export const TASKS_EXTENSION = 'io.modelcontextprotocol/tasks'

/** Adds both declarations; the revision decides which of them is sent. */
export function declareTasks(capabilities: ServerCapabilities): void {
  capabilities.tasks = { list: {}, cancel: {}, requests: { tools: { call: {} } } }
  capabilities.extensions = { ...capabilities.extensions, [TASKS_EXTENSION]: {} }
}
