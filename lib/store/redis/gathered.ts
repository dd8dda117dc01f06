/**
 * What thousands of streams of an instance ask of the store at the same moment leaves together: heartbeats, and steps through the
 * list of changes. A script for each would cost Redis and the instance more than what the scripts do.
 */
import type { Commands } from './commands.ts'
import { type Redis, ReplyError } from './ioredis.ts'
import { batchOf } from './scripts/batch.ts'
import type { Script } from './scripts/script.ts'
import { unavailable } from './trouble.ts'

/** Fewer than this in one turn of the event loop go out at once, each by itself. */
const FEW = 4
/** Sessions whose scripts are under way at once. */
const UNDER_WAY = 200

interface Item<Given, Reply> {
  given: Given
  resolve(reply: Reply): void
  reject(error: unknown): void
}

/** Runs a script for what is asked in one turn of the event loop. */
export class Gathered<Given, Reply> {
  readonly #commands: Commands
  readonly #one: Script<Given, Reply>
  readonly #batch: ReturnType<typeof batchOf<Given, Reply>>
  readonly #most: number
  /** What this turn of the event loop asks. */
  #turn: Item<Given, Reply>[] = []
  #waiting: Item<Given, Reply>[] = []
  #underWay = 0

  /**
   * @param name of the script for several
   * @param most how many sessions one script is for. Nothing else runs in Redis meanwhile: it should take less than 2 ms.
   */
  constructor(commands: Commands, name: string, one: Script<Given, Reply>, most = 50) {
    this.#commands = commands
    this.#most = most
    this.#one = one
    this.#batch = batchOf(name, one, (message) => unavailable(new ReplyError(message)))
  }

  run(given: Given): Promise<Reply> {
    return new Promise((resolve, reject) => {
      this.#turn.push({ given, resolve, reject })
      if (this.#turn.length === 1) queueMicrotask(() => this.#endTurn())
    })
  }

  #endTurn(): void {
    const items = this.#turn
    this.#turn = []
    if (items.length < FEW) return void this.#sendEach(items)
    this.#waiting.push(...items)
    this.#sendNext()
  }

  #sendNext(): void {
    const { client } = this.#commands
    // In a cluster the sessions are in different slots, so that each has a script of its own.
    const nodes = client === undefined ? [] : 'nodes' in client ? client.nodes('master') : undefined
    const most = nodes ? UNDER_WAY : this.#most
    while (this.#underWay <= UNDER_WAY - most && this.#waiting.length > 0) {
      const items = this.#waiting.splice(0, most)
      this.#underWay += items.length
      const sent = nodes ? inOneWrite(nodes, () => this.#sendEach(items)) : this.#sendBatch(items)
      void sent.then(() => {
        this.#underWay -= items.length
        this.#sendNext()
      })
    }
  }

  /** Never rejects. */
  async #sendEach(items: Item<Given, Reply>[]): Promise<void> {
    const sent = items.map(({ given, resolve, reject }) =>
      this.#commands.script(this.#one, given).then(resolve, reject),
    )
    await Promise.all(sent)
  }

  /** Never rejects. */
  async #sendBatch(items: Item<Given, Reply>[]): Promise<void> {
    const given = items.map((item) => item.given)
    try {
      const outcomes = await this.#commands.script(this.#batch, given)
      for (const [i, { resolve, reject }] of items.entries()) {
        const outcome = outcomes[i]
        if (outcome && 'reply' in outcome) resolve(outcome.reply)
        else reject(outcome?.error)
      }
    } catch (error) {
      for (const { reject } of items) reject(error)
    }
  }
}

/** The commands that `send` gives to the nodes of a cluster leave in one write for each node. */
function inOneWrite<T>(nodes: Redis[], send: () => T): T {
  const streams = nodes.flatMap(({ status, stream }) => (status === 'ready' ? [stream] : []))
  for (const stream of streams) stream.cork()
  try {
    return send()
  } finally {
    for (const stream of streams) stream.uncork()
  }
}
