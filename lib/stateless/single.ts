/**
 * `ctx.once(…, { single: true })`: the client may send one state twice, and the function still runs once. The store has which
 * run began it, and then its result. What a run began that is no more never runs again, since it may have had its effect: that
 * is an error. A run that still goes on renews a sign.
 */
import type { Clock } from '../base/clock.ts'
import { randomId } from '../base/ids.ts'
import { toJson } from '../base/to-json.ts'
import { ErrorCode, ProtocolError } from '../protocol/errors.ts'
import type { RetryQueue } from '../runtime/retry-queue.ts'
import type { ValueStore } from '../store/store.ts'

export interface SingleParts {
  store: ValueStore
  clock: Clock
  /** Does what the store did not take. */
  retry: RetryQueue
  /** How long the store keeps the result of `{ single: true }`, in ms. */
  singleLifetime: number
}

/** How long the sign of a run lasts, and when it is renewed, in ms. */
const SIGN_LASTS = 30_000
const SIGN_EVERY = 10_000

/**
 * Runs `fn`, or returns what it returned in another run.
 *
 * @param id of the function in its call
 * @throws ProtocolError where another run has begun it and has no result
 */
export async function runSingle<T>(parts: SingleParts, id: string, name: string, fn: () => T | Promise<T>): Promise<T> {
  const { store, clock, retry, singleLifetime } = parts
  const run = randomId(9)
  const mark = `by ${run}`
  const sign = () => store.setValue('used', signOf(id, run), '1', SIGN_LASTS)
  const undo = async () => {
    if ((await store.getValue('used', id)) === mark) await store.deleteValue('used', id)
  }
  const begun = await Promise.all([store.addValue('used', id, mark, singleLifetime), sign()]).catch((error) => {
    // The mark may have been written all the same.
    retry.add(undo)
    throw error
  })
  if (begun[0].status === 'taken') return resultOf(store, id, name)
  const renewal = clock.every(SIGN_EVERY, () => void sign().catch(() => {}))
  let value: T
  try {
    value = await fn()
  } catch (error) {
    await retry.now(undo)
    throw error
  } finally {
    renewal.cancel()
  }
  // A result that JSON cannot hold is an error, and the function was done: it does not run again.
  const result = `=${toJson(value ?? null, `The result of ctx.once("${name}")`)}`
  await retry.now(() => store.setValue('used', id, result, singleLifetime))
  return value
}

/** What another run returned. */
async function resultOf<T>(store: ValueStore, id: string, name: string): Promise<T> {
  const kept = (await store.getValue('used', id)) ?? ''
  if (kept.startsWith('=')) return JSON.parse(kept.slice(1)) as T
  const runs = (await store.getValue('used', signOf(id, kept.slice('by '.length)))) !== undefined
  throw runs
    ? new ProtocolError(ErrorCode.InvalidParams, `"${name}" is being done by another request with the same state.`)
    : new ProtocolError(
        ErrorCode.InternalError,
        `"${name}" was begun by a request that ended before it was done; whether it had an effect is unknown.`,
      )
}

function signOf(id: string, run: string): string {
  return `${id}.${run}`
}
