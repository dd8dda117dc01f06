/** What clients of tasks do, as the seed decides it. */

import type { Session } from '../../history.ts'
import { Random } from '../../random.ts'
import type { Ending, Era, Task, TaskTool } from '../../task-history.ts'
import type { World } from '../world.ts'

export interface TaskWish {
  tool: TaskTool
  ends: Ending
  steps: number
  asks: number
  /** The asks are in one leg. */
  together: boolean
  pause: number
  /** The client cancels after so many ms. */
  cancelAfter?: number
  /** Somebody else asks for the task after so many ms. */
  probeAfter?: number
  /** The client looks again so many ms after the end. */
  lookAfter?: number
  /** In a session: the client waits for the result from the start, and not only where it must. */
  waits: boolean
  /** The mean time from one look to the next, in ms. */
  poll: number
  random: Random
}

const TOOLS: Record<Era, Partial<Record<TaskTool, number>>> = {
  session: { task: 85, task_fragile: 15 },
  stateless: { task: 70, task_later: 15, task_fragile: 15 },
}

/** Draws a task. The same numbers are drawn for each, so that a seed gives the same tasks for longer. */
export function drawTask(random: Random, era: Era): TaskWish {
  const tool = random.weighted(TOOLS[era] as Record<TaskTool, number>)
  const ends = random.weighted<Ending>({ well: 80, wrong: 10, broken: 10 })
  const [steps, asks, together] = [
    random.whole(1, 8),
    random.weighted({ 0: 45, 1: 30, 2: 15, 3: 10 }),
    random.chance(0.5),
  ]
  const [pause, poll, waits] = [random.between(5, 300), random.between(150, 900), random.chance(0.5)]
  const [cancels, probes, looks] = [random.next(), random.next(), random.next()]
  const [cancelAfter, probeAfter, lookAfter] = [random.pause(900), random.pause(900), random.between(0, 5_000)]
  return {
    ...{ tool, ends, steps, pause, poll, waits, together },
    asks: tool === 'task_fragile' ? 0 : Number(asks),
    random: new Random(random.whole(0, 1e9), 'task'),
    ...(cancels < 0.15 && { cancelAfter }),
    ...(probes < 0.2 && { probeAfter }),
    ...(looks < 0.5 && { lookAfter }),
  }
}

export function newTask(world: World, { session }: Session, era: Era, id: number, wish: TaskWish): Task {
  const { tool, ends, steps, asks } = wish
  const task: Task = {
    ...{ call: `${session}#${id}`, session, era, tool, ends, steps, asks, sent: world.now() },
    ...{ seen: [], outcomes: [], answers: [], probes: [], unlisted: [] },
  }
  world.tasks.push(task)
  return task
}

export function taskArguments({ call, session }: Task, { steps, asks, together, pause, ends }: TaskWish): object {
  return { call, session, steps, asks, together, pause, ends }
}
