/** The settings of `mcp-anywhere serve`, as those of `settings.ts`. They are apart, since an endpoint starts without them. */

import { type Group, rows, type Values } from './base/setting.ts'

const duration = rows('duration')
const count = rows('count')

export const SERVE_SETTINGS = {
  /** Processes of sessions, where `mcp-anywhere serve` has one for each ([serve.md](serve.md)). */
  serve: {
    /**
     * Processes of one instance. Where a further one is needed, the one without a request that was not used for longest ends;
     * where each has a request, the new request is refused.
     */
    processes: count(50, 'MAX_PROCESSES', { from: 1 }),
    /** Processes of one principal, on all instances. Only with authorization. */
    processesPerPrincipal: count(10, 'MAX_PROCESSES_PER_PRINCIPAL', { from: 1 }),
    /** How long a process without a request is kept. */
    idle: duration(10 * 60_000, 'PROCESS_IDLE_SECONDS', { from: 1 }),
    /** How long a program may take to answer `initialize`, each time it is started. */
    start: duration(60_000, 'PROCESS_START_SECONDS', { from: 1 }),
    /** Bytes of a message that a program writes. A longer one is an error of its call. */
    maxMessage: count(16 * 1024 * 1024, 'MAX_PROCESS_MESSAGE_BYTES', { from: 1_024 }),
  },
} as const satisfies Record<string, Group>

/** Options of programs that have a process for each session. All times are in ms. */
export type ServeOptions = Values<typeof SERVE_SETTINGS.serve>
