/** The parts that all clients of a run share. */
import type { Call, Limits, Outcome, OutcomeKind, Session, Tool } from '../history.ts'
import type { Random } from '../random.ts'
import type { Task } from '../task-history.ts'
import type { Timeline } from '../timeline.ts'
import type { Http } from './http.ts'
import type { CallMix } from './mixes.ts'

export interface World {
  http: Http
  now: Timeline
  mix: CallMix
  limits: Limits
  sessions: Session[]
  calls: Call[]
  tasks: Task[]
  /** The session of each task id. */
  taskIds: Map<string, string>
  /** The headers of open sessions with tasks, by their names. */
  open: Map<string, Record<string, string>>
  /** New sessions and calls may begin. */
  readonly running: boolean
  /** The mean time from one action of a client to its next, in ms. */
  think: number
  /** How long a client waits for a byte, in ms. */
  silence: number
}

export const URIS = Array.from({ length: 8 }, (_, n) => `nemesis://watched/${n}`)

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

export function newSession(session: string, revision: string, now: number): Session {
  return {
    session,
    revision,
    key: '',
    sent: now,
    opened: 0,
    used: now,
    subscriptions: [],
    updates: [],
    missed: 0,
    foreign: [],
    odd: [],
  }
}

export interface Wish {
  tool: Tool
  steps: number
  asks: number
  pause: number
  uri?: string
  /** The client cancels after so many ms. */
  cancelAfter?: number
  /** The client drops its connection after so many messages. */
  dropAfter?: number
}

/** For revisions without elicitation. */
export const NO_ASKS = { ask: 0, ask_again: 0 }

/** How long the user of a client thinks about an ask, in ms: for half of the asks of durable tools so long that they are suspended. */
export function thinkingTime(random: Random, { tool }: Call, { limits: { suspendAfter }, mix }: World): number {
  const long = tool === 'durable' && random.chance(0.5)
  return long ? random.between(suspendAfter, mix.durable.thinks * suspendAfter) : random.pause(200)
}

/** Draws a call. The same numbers are drawn for every tool, so that a seed gives the same calls for longer. */
export function drawWish(random: Random, mix: CallMix, weights: Partial<Record<Tool, number>> = {}): Wish {
  const tool = random.weighted({ ...mix.tools, ...weights })
  const steps = random.whole(2, 14) * (random.chance(0.2) ? 4 : 1)
  const asks = random.whole(1, 3)
  const [gap, cancels, drops] = [random.between(5, 160), random.next(), random.next()]
  const [cancelAfter, dropAfter] = [random.between(150, 1_500), random.whole(1, 6)]
  const uri = random.of(URIS)
  const durable = tool === 'durable'
  const asking = tool === 'ask' || tool === 'ask_again'
  const stepping = durable || tool === 'steps' || tool === 'steps_again' || tool === 'stubborn' || tool === 'paused'
  const long = asking || stepping || tool === 'quiet'
  return {
    tool,
    steps: durable ? Math.min(steps, mix.durable.steps) : stepping ? steps : asking ? Math.min(steps, asks) : 0,
    asks: durable ? Math.min(asks, mix.durable.asks) : asking || tool === 'once' ? asks : 0,
    pause: tool === 'quiet' ? gap * 10 : tool === 'short' ? 0 : gap,
    ...(tool === 'announce' && { uri }),
    ...((tool === 'stubborn' || (long && cancels < 0.15)) && { cancelAfter }),
    ...(long && tool !== 'quiet' && drops < 0.25 && { dropAfter }),
  }
}

export function newCall(world: World, session: Session, id: string | number, wish: Wish): Call {
  const call: Call = {
    call: `${session.session}#${id}`,
    session: session.session,
    revision: session.revision,
    tool: wish.tool,
    sent: world.now(),
    steps: wish.steps,
    asks: wish.asks,
    received: [],
    outcomes: [],
    answers: [],
    resumes: 0,
    ...(wish.uri !== undefined && { uri: wish.uri }),
  }
  world.calls.push(call)
  return call
}

export function argumentsOf(call: Call, { pause, uri }: Wish): object {
  const { session, steps, asks } = call
  return { session, call: call.call, steps, asks, pause, ...(uri !== undefined && { uri }) }
}

export function settle(world: World, call: Call, kind: OutcomeKind, more: Partial<Outcome> = {}): void {
  call.outcomes.push({ kind, at: world.now(), ...more })
}

/** The calls have an outcome only where none is there. */
export function settleOpen(world: World, calls: readonly Call[], kind: OutcomeKind, more: Partial<Outcome> = {}): void {
  for (const call of calls) if (call.outcomes.length === 0) settle(world, call, kind, more)
}
