/**
 * The store in Redis. It has one connection for commands, which the first command opens, and one that waits, which
 * {@link BusStore.receive} opens. Every change of state is one script on one slot, so a cluster serves it as well.
 */

import { OnDemand, operationsOf } from '../../base/on-demand.ts'
import {
  checkStoreOptions,
  checkWhole,
  DEFAULT_CHANGES,
  DEFAULT_DATA_BYTES,
  DEFAULT_LIFETIMES,
  DEFAULT_LOG_BOUNDS,
  DEFAULT_MAIL_BOUNDS,
  DEFAULT_SESSION_BYTES,
  MAX_URI_BYTES,
  type StoreOptions,
} from '../options.ts'
import type { Store } from '../store.ts'
import { watchClient } from './client.ts'
import { Commands, within } from './commands.ts'
import { firstOperations } from './first.ts'
import type { SourceOptions } from './given.ts'
import { memoryWatch } from './memory-watch.ts'
import type { More } from './more.ts'
import { DEFAULT_PREFIX, readPrefix } from './place.ts'
import type { Waiting } from './receive.ts'
import { nothing } from './scripts/decode.ts'
import { sourceOf } from './source.ts'
import { RedisTime } from './time.ts'
import { isReply } from './trouble.ts'

export interface RedisStoreOptions extends StoreOptions, SourceOptions {
  /**
   * The beginning of every key; default `mcp`. Each server has its own: it claims its prefix for its name, and another name is
   * refused.
   */
  prefix?: string | undefined
  /** The name that the server had before: its prefix, with everything in it, goes over to the new name. */
  renamedFrom?: string | undefined
  /** How long Redis may take to answer, in ms, before it counts as unavailable; default 2,500. */
  commandTimeout?: number | undefined
  /** How long one read of the waiting connection waits, in ms; default 5,000. */
  blockTime?: number | undefined
  /**
   * In how many slots of a cluster mailboxes are, and copies of the list of changes; default 1. More of them spread over the nodes
   * what it costs to wake hundreds of instances. All instances get the same, once all of them run a build that knows it.
   */
  busSlots?: number | undefined
}

/** The operations whose code is loaded when the first of them is used. */
const MORE: Readonly<Record<keyof More, true>> = {
  admit: true,
  replaceRecord: true,
  dateSession: true,
  deleteSession: true,
  setLevel: true,
  getData: true,
  setData: true,
  relieve: true,
  subscribe: true,
  unsubscribe: true,
  subscriptions: true,
  register: true,
  append: true,
  endCall: true,
  lookCall: true,
  calls: true,
  countCalls: true,
  claim: true,
  releaseCall: true,
  cancel: true,
  answer: true,
  closeAsk: true,
  keep: true,
  suspend: true,
  poll: true,
  post: true,
  take: true,
  look: true,
  trim: true,
  release: true,
  replaceHolder: true,
  readLog: true,
  changePosition: true,
  advance: true,
  send: true,
  receive: true,
  up: true,
  down: true,
  alive: true,
  publish: true,
  changesAfter: true,
  getValue: true,
  setValue: true,
  replaceValue: true,
  addValue: true,
  deleteValue: true,
  count: true,
  occupy: true,
}

/** A connection that was idle for longer than this (ms) may be dead without having closed. */
const TRUSTED_IDLE = 60_000

/**
 * A store in Redis 6.2 or later: a server, a cluster, or what Sentinels watch.
 *
 * @param given the address, or options with it; undefined is a variable that is not set
 * @throws TypeError where the address is missing or is not one of Redis, or an option has a value that cannot work. Nothing
 *   is connected yet.
 *
 * @example
 * const store = redisStore(process.env.REDIS_URL)
 */
export function redisStore(given: string | RedisStoreOptions | undefined): Store {
  const options = typeof given === 'object' ? given : { url: given }
  const { commandTimeout = 2_500, blockTime = 5_000, busSlots = 1, renamedFrom, onError = () => {} } = options
  checkStoreOptions(options)
  checkWhole('commandTimeout', options.commandTimeout)
  checkWhole('blockTime', options.blockTime)
  checkWhole('busSlots', busSlots)
  const prefix = readPrefix(options.prefix ?? DEFAULT_PREFIX)
  const source = sourceOf(options)
  const { repeat: repeatTtl, ...lifetimes } = { ...DEFAULT_LIFETIMES, ...options.lifetimes }
  const settings = {
    ...lifetimes,
    repeatTtl,
    maxMessages: options.log?.messages ?? DEFAULT_LOG_BOUNDS.messages,
    maxBytes: options.log?.bytes ?? DEFAULT_LOG_BOUNDS.bytes,
    maxMail: options.mail?.messages ?? DEFAULT_MAIL_BOUNDS.messages,
    maxMailBytes: options.mail?.bytes ?? DEFAULT_MAIL_BOUNDS.bytes,
    sessionBytes: options.sessionBytes ?? DEFAULT_SESSION_BYTES,
    dataBytes: options.dataBytes ?? DEFAULT_DATA_BYTES,
    uriBytes: MAX_URI_BYTES,
    maxChanges: options.changes ?? DEFAULT_CHANGES,
  }
  const commands = new Commands({ source, timeout: commandTimeout, settings, prefix, renamedFrom, onError })
  const time = new RedisTime()
  const waiting = new Set<Waiting>()
  let [opened, closed] = [false, false]
  const makeWaiting = (block: number) => {
    const client = source.waitingClient(commandTimeout, block)
    watchClient(client, nothing)
    return client
  }
  const more = new OnDemand(async () => {
    const { moreOperations } = await import('./more.ts')
    return moreOperations(commands, {
      waiting,
      busSlots,
      isClosed: () => closed,
      makeClient: () => makeWaiting(blockTime),
      block: blockTime,
      timeout: commandTimeout,
      onError,
    })
  })
  const { admit, ...operations } = operationsOf(more, MORE)

  return {
    name: 'redis',
    leavesProcess: true,
    busSlots,
    nearlyFull: memoryWatch(commands),
    open() {
      opened = true
      commands.open()
    },
    serve(server) {
      commands.contact.serve(server)
      // The first request finds out, too, and reports it.
      if (opened) commands.contact.make().catch(nothing)
    },
    // A write: a store that is full, or a replica, would answer a read.
    ping: () => commands.run('set', (client) => client.set(`${prefix}:ping`, '1', 'PX', 1_000), nothing),
    async answersAnew() {
      const client = makeWaiting(0)
      const reply = within(commandTimeout, client.ping())
      // A refusal is an answer, too.
      const answers = await reply.then(() => true, isReply)
      client.disconnect()
      return answers
    },
    async close() {
      closed = true
      await more.idle()
      await Promise.all([...waiting].map((one) => one.stop()))
      await commands.close()
    },
    settled: () => commands.settled(),
    tasks: async () => (await import('./tasks.ts')).taskOperations(commands),
    admin: async () => (await import('./admin.ts')).adminOperations(commands),
    wake(idleMs) {
      time.slept(idleMs)
      if (idleMs <= TRUSTED_IDLE) return
      commands.renew()
      for (const one of waiting) one.renew()
    },
    ...firstOperations(commands, time, admit, onError),
    ...operations,
  }
}
