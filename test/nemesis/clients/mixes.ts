/** What the clients of a run do: the shares of tools and of revisions, and the size of a durable call. */
import type { Tool } from '../history.ts'

export interface CallMix {
  /** How often each tool is called, in relation to the others. */
  tools: Readonly<Record<Tool, number>>
  /** How many clients speak each revision, in relation to the others. */
  revisions: Readonly<Record<string, number>>
  /** The most steps and asks of a durable call, and the most that its user thinks, as a multiple of the time to its suspension. */
  durable: { steps: number; asks: number; thinks: number }
}

const TOOLS = {
  short: 20,
  quiet: 8,
  effect: 14,
  steps: 14,
  steps_again: 18,
  ask: 10,
  ask_again: 8,
  stubborn: 5,
  paused: 5,
  once: 5,
  durable: 14,
  announce: 4,
} as const satisfies Record<Tool, number>

export const CALL_MIXES = {
  all: {
    tools: TOOLS,
    revisions: { '2024-11-05': 2, '2025-03-26': 3, '2025-06-18': 4, '2025-11-25': 8, '2026-07-28': 3 },
    durable: { steps: 12, asks: 3, thinks: 8 },
  },
  /** Nine of ten calls are durable, and most of them may be suspended. They are short, so that there are many. */
  durable: {
    tools: {
      short: 3,
      quiet: 1,
      effect: 2,
      steps: 1,
      steps_again: 1,
      ask: 1,
      ask_again: 1,
      stubborn: 0,
      paused: 0,
      once: 2,
      durable: 108,
      announce: 0,
    },
    revisions: { '2025-06-18': 1, '2025-11-25': 15, '2026-07-28': 4 },
    durable: { steps: 3, asks: 2, thinks: 6 },
  },
} as const satisfies Record<string, CallMix>

export type CallMixName = keyof typeof CALL_MIXES

export const isCallMix = (name: string): name is CallMixName => Object.hasOwn(CALL_MIXES, name)

/** The revision of the `i`th client. */
export function revisionOf({ revisions }: CallMix, i: number): string {
  const shares = Object.entries(revisions)
  let left = i % shares.reduce((sum, [, share]) => sum + share, 0)
  for (const [revision, share] of shares) {
    left -= share
    if (left < 0) return revision
  }
  throw new Error('There is no share of a revision.')
}
