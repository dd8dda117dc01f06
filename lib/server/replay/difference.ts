/** The first difference between a run of a handler and its replay, in the words of its author. */
import type { HandlerStep } from '../context/client-channel.ts'
import { MAX_TEXT } from './steps.ts'

/** A run and its replay. */
interface Compared {
  run: readonly HandlerStep[]
  replay: readonly HandlerStep[]
  /** The steps of the run that the replay must come to: asks that were answered, and functions of `ctx.once` that were done. */
  due: readonly HandlerStep[]
  /** How many messages of the run the replay must have said. */
  said: number
  /** The results have to be equal. */
  compareResults: boolean
}

const VARIES = 'Time, random values and data that others change belong in ctx.once, which keeps them'

/** A sentence about the difference, and one with its cure. Undefined: there is none. */
export function differenceOf(compared: Compared): string | undefined {
  const { run, replay } = compared
  const replayed = messagesOf(replay)
  let message = 0
  for (const step of run) {
    if (step.kind === 'difference') continue
    const found =
      step.kind === 'message'
        ? messageDifference(step, replayed[message], ++message, compared)
        : OF[step.kind](step, compared)
    if (found !== undefined) return found
  }
  return undefined
}

type Find = (step: HandlerStep, compared: Compared) => string | undefined

const OF: Readonly<Record<'ask' | 'once' | 'result', Find>> = {
  ask(step, compared) {
    const other = same(step, compared.replay)
    if (other) return other.text === step.text ? undefined : `${question(step)} ${change(step, other)}. ${VARIES}.`
    if (!compared.due.includes(step)) return undefined
    return `${question(step)} was answered, and the replay ${instead(step, compared)}. ${SAME_KEY}`
  },
  once(step, compared) {
    if (same(step, compared.replay) || !compared.due.includes(step)) return undefined
    return `ctx.once(${quoted(step.name)}) was done, and the replay ${instead(step, compared)}. ${SAME_NAME}`
  },
  result(step, { replay, compareResults }) {
    const other = replay.find(({ kind }) => kind === 'result')
    if (!compareResults || !other || other.text === step.text) return undefined
    return `the result ${change(step, other)}. ${VARIES}.`
  },
}

const SAME_KEY =
  'The key of a question must be the same in each run, and what the handler does before it must not depend on what differs: ' +
  'give it one with { key: "…" }.'
const SAME_NAME =
  'The name in ctx.once must be the same in each run: a replay finds the result by it, and does again what it does not find.'

function messageDifference(
  step: HandlerStep,
  other: HandlerStep | undefined,
  ordinal: number,
  { said }: Compared,
): string | undefined {
  if (!other && ordinal > said) return undefined
  if (other?.name === step.name && other.text === step.text) return undefined
  const what = other ? change(step, other) : `was ${excerpt(step.text)}, and the replay does not send it`
  return `message ${ordinal} ${what}. ${VARIES}, and messages that are sent side by side need an order.`
}

/** What the replay did in place of a step. */
function instead(step: HandlerStep, { run, replay }: Compared): string {
  const other = replay.find((each) => each.kind === step.kind && !same(each, run))
  if (other) {
    const name = quoted(other.name)
    return step.kind === 'ask' ? `asks ${name} in its place` : `does ctx.once(${name}) in its place`
  }
  return replay.some(({ kind }) => kind === 'result') ? 'ends without it' : 'does not come to it'
}

function same(step: HandlerStep, steps: readonly HandlerStep[]): HandlerStep | undefined {
  return steps.find(({ kind, name }) => kind === step.kind && name === step.name)
}

export function messagesOf(steps: readonly HandlerStep[]): HandlerStep[] {
  return steps.filter(({ kind }) => kind === 'message')
}

function question({ name }: HandlerStep): string {
  return `the question ${quoted(name)}`
}

function quoted(name: string): string {
  return JSON.stringify(name)
}

/** Characters around the first difference that are shown. */
const BEFORE = 40
const AFTER = 80

function change(was: HandlerStep, is: HandlerStep): string {
  let at = 0
  while (at < was.text.length && was.text[at] === is.text[at]) at++
  if (at >= MAX_TEXT) return `differs after its first ${MAX_TEXT} characters (${excerpt(was.text)})`
  return `was ${excerpt(was.text, at)} and is ${excerpt(is.text, at)}`
}

function excerpt(text: string, at = 0): string {
  const begin = Math.max(0, at - BEFORE)
  const end = at + AFTER
  return `${begin > 0 ? '…' : ''}${text.slice(begin, end)}${end < text.length ? '…' : ''}`
}
