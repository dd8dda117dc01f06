/** How clients of an era speak of tasks, and what replies say of them. */
import { isOver, type Seen, type Task, type TaskOutcome } from '../../task-history.ts'
import { Broken, type Message, type Reply, type Request } from '../http.ts'
import { parse } from '../inbox.ts'
import type { World } from '../world.ts'

/** A reply, and when its request was sent and it arrived. */
export interface Answered {
  sent: number
  at: number
  status: number
  message: Message
}

/** Sends a request and reads its response, from JSON or from a stream. @throws Broken */
export async function exchange(world: World, request: Omit<Request, 'patience'>): Promise<Answered> {
  const sent = world.now()
  const reply = await world.http.send({ ...request, patience: world.silence })
  const message = await responseOf(reply)
  return { sent, at: world.now(), status: reply.status, message }
}

async function responseOf(reply: Reply): Promise<Message> {
  if (!reply.isStream) {
    const text = await reply.text()
    return (parse(text) as Message | undefined) ?? { error: { code: 0, message: text } }
  }
  for await (const { data } of reply.events()) {
    const message = data ? (JSON.parse(data) as Message) : undefined
    if (message?.result || message?.error) return message
  }
  throw new Broken('The stream ended without a response.')
}

/** A task as either era writes it. */
interface Shown {
  taskId?: string
  status?: string
  statusMessage?: string
  inputRequests?: Record<string, { params?: { message?: string } }>
  result?: Result
  error?: { code: number; message: string }
}

interface Result {
  content?: { text?: string }[]
  isError?: boolean
}

/** What a request for a task is answered with where there is no such task. */
export const UNKNOWN = -32_602

/**
 * Records what a reply says of a task.
 *
 * @returns what is odd in it; '' where nothing is
 */
export function note(task: Task, by: Seen['by'], { sent, at }: Pick<Answered, 'sent' | 'at'>, shown: Shown): string {
  const { status = '', statusMessage, inputRequests = {} } = shown
  const { _meta, resultType, ...whole } = shown as Shown & { _meta?: unknown; resultType?: unknown }
  const open = Object.keys(inputRequests).toSorted().join(' ')
  see(task, { by, sent, at, last: sent, status, text: isOver(status) ? JSON.stringify(whole) : open })
  const { result, error } = shown
  if (result) noteOutcome(task, { sent, at }, { result })
  else if (error) noteOutcome(task, { sent, at }, { error })
  if (task.made && shown.taskId !== task.made.id) return `a look at ${task.made.id} found the task ${shown.taskId}`
  const foreign = Object.values(inputRequests).find(({ params }) => parse(String(params?.message))?.call !== task.call)
  if (foreign) return `it asks ${JSON.stringify(foreign)}`
  if (status === 'working' && statusMessage !== undefined && !statusMessage.startsWith(`${task.call} `))
    return `its status message is ${statusMessage}`
  return ''
}

export function see(task: Task, seen: Seen): void {
  const last = task.seen.at(-1)
  if (last?.status === seen.status && last.text === seen.text) last.last = Math.max(last.last, seen.last)
  else task.seen.push(seen)
}

/** Records the outcome of a task, once for all that are equal. */
export function noteOutcome(
  task: Task,
  { sent, at }: Pick<Answered, 'sent' | 'at'>,
  { result, error }: { result?: Result | undefined; error?: { code: number; message: string } | undefined },
): void {
  const outcome: TaskOutcome = { sent, at, kind: 'error', text: error?.message ?? '' }
  if (error) outcome.code = error.code
  else {
    outcome.kind = result?.isError ? 'wrong' : 'result'
    outcome.text = String(result?.content?.[0]?.text)
    const named = parse(outcome.text)
    if (typeof named?.run === 'string' && named.call === task.call) outcome.run = named.run
  }
  const last = task.outcomes.at(-1)
  if (last?.kind !== outcome.kind || last.text !== outcome.text || last.code !== outcome.code)
    task.outcomes.push(outcome)
}

/**
 * The endpoint asks for another try: the request has changed nothing that the next one does not find. Where a stream had begun before
 * the store failed, the status is 200, and the error says so.
 */
export function isRefusal({ status, message }: Answered): boolean {
  const { code, message: text = '' } = message.error ?? {}
  return status === 503 || (code !== UNKNOWN && /\b(store|instance|this call)\b/.test(text))
}
