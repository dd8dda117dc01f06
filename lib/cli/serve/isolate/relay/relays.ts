/** The connections of this instance with others, by which the requests of a session reach the one that has its process. */
import { randomId } from '../../../../base/ids.ts'
import type { JsonObject } from '../../../../protocol/jsonrpc.ts'
import type { HeldConnection } from '../../../../runtime/held.ts'
import type { Instance } from '../../../../runtime/instance.ts'
import type { Mail } from '../../../../runtime/mail.ts'
import { instanceOf } from '../../../../runtime/name.ts'
import { Flow } from './flow.ts'
import { Link } from './link.ts'

/** One end of a connection, as its owner is called. */
export interface End {
  /** Takes a message. The next one comes when the promise has resolved. */
  take(message: JsonObject): Promise<unknown> | undefined
  /** The other instance is dead, or has forgotten the connection. */
  lost(): void
}

/** A connection, as its owner uses it. */
export interface Line {
  /** Sends a message. Resolves when the next one may follow. */
  push(message: JsonObject): Promise<void>
  /** The other end has sent its last message: forgets the connection. */
  finish(): void
  /** Sends the last message. The connection is forgotten when the other end has it. */
  end(message: JsonObject): void
}

interface RelaysParts {
  /** Makes the end of a connection that another instance opens. */
  accept(line: Line): End
  /** Another instance shuts down: what it had is elsewhere, or not any more. */
  left(peer: string): void
  drain(): void
  close(): void
}

interface Open {
  link: Link
  peer: string
  end: End
}

/** The token of this object: every instance has one, so that it needs no record. */
const TOKEN = 'relay'
/** Who was heard within this time, in ms, is not asked whether it is there. */
const FRESH = 1_000
const ASK_AGAIN = 2_000
/** Connections that have ended here, whose first mail may come again. */
const REMEMBERED = 5_000
/** The id of no connection. */
const HELLO = 'hello'

export class Relays implements HeldConnection {
  readonly token = TOKEN
  readonly #instance: Instance
  readonly #parts: RelaysParts
  readonly #open = new Map<string, Open>()
  readonly #ended = new Set<string>()
  readonly #flows = new Map<string, Flow>()
  /** When each instance was last heard, and who waits for a sign of it. */
  readonly #heard = new Map<string, number>()
  readonly #waiting = new Map<string, ((isThere: boolean) => void)[]>()

  constructor(instance: Instance, parts: RelaysParts) {
    this.#instance = instance
    this.#parts = parts
  }

  /** Connects with another instance. Its first message has to follow. */
  connect(peer: string, end: End): Line {
    const id = randomId(9)
    return this.#add(id, peer, () => end)
  }

  #add(id: string, peer: string, makeEnd: (line: Line) => End): Line {
    const link = new Link({
      id,
      clock: this.#instance.clock,
      flow: this.#flowTo(peer),
      send: (frame) => this.#send(peer, frame),
      take: (message) => end.take(message),
    })
    const line: Line = {
      push: (message) => link.push(message),
      finish: () => {
        void link.taken().then(() => {
          link.sendReport()
          this.#forget(id)
        })
      },
      end: (message) => {
        void link.push(message)
        void link.flushed().then(() => this.#forget(id))
      },
    }
    const end = makeEnd(line)
    this.#open.set(id, { link, peer, end })
    return line
  }

  #forget(id: string): void {
    const open = this.#open.get(id)
    if (!open) return
    this.#open.delete(id)
    open.link.close()
    this.#ended.add(id)
    if (this.#ended.size <= REMEMBERED) return
    const [oldest = ''] = this.#ended
    this.#ended.delete(oldest)
  }

  #flowTo(peer: string): Flow {
    const flow = this.#flows.get(peer) ?? new Flow()
    this.#flows.set(peer, flow)
    return flow
  }

  #send(peer: string, frame: JsonObject): void {
    void this.#instance.send({ t: 'relay', to: `${peer}:${TOKEN}`, from: this.#instance.name(TOKEN), frame })
  }

  /**
   * Whether the instance is there: it answers, or was heard a moment ago. False: it is dead. So a request is sent only to an
   * instance that lives, but for the last moment, and what is not sent can begin elsewhere.
   */
  async reach(peer: string): Promise<boolean> {
    const { clock } = this.#instance
    if (clock.now() - (this.#heard.get(peer) ?? Number.NEGATIVE_INFINITY) < FRESH) return true
    const waiting = this.#waiting.get(peer) ?? []
    const answer = new Promise<boolean>((resolve) => waiting.push(resolve))
    if (waiting.length > 1) return answer
    this.#waiting.set(peer, waiting)
    const ask = () => this.#send(peer, { id: HELLO, q: 1 })
    ask()
    const timer = clock.every(ASK_AGAIN, ask)
    return answer.finally(() => timer.cancel())
  }

  #found(peer: string, isThere: boolean): void {
    const waiting = this.#waiting.get(peer)
    this.#waiting.delete(peer)
    for (const resolve of waiting ?? []) resolve(isThere)
  }

  receive(mail: Mail): void {
    if (mail.t !== 'relay') return
    const { from, frame } = mail
    const peer = instanceOf(from)
    if (frame.bye !== undefined) {
      this.#heard.delete(peer)
      return this.#parts.left(peer)
    }
    this.#heard.set(peer, this.#instance.clock.now())
    this.#found(peer, true)
    const { id, over, n, m, q } = frame
    if (typeof id !== 'string') return
    const open = this.#open.get(id)
    if (open) {
      if (over === undefined) return open.link.receive(frame)
      this.#forget(id)
      return open.end.lost()
    }
    if (over !== undefined) return
    if (n === 1 && !this.#ended.has(id)) {
      this.#add(id, peer, (line) => this.#parts.accept(line))
      return this.#open.get(id)?.link.receive(frame)
    }
    // It must not wait for what is no more.
    if (m !== undefined || q !== undefined) this.#send(peer, { id, over: 1 })
  }

  *owners(): Iterable<string> {
    const peers = new Set([...this.#waiting.keys(), ...[...this.#open.values()].map(({ peer }) => peer)])
    for (const peer of peers) yield `${peer}:${TOKEN}`
  }

  ownerLost(owner: string): void {
    const peer = instanceOf(owner)
    this.#heard.delete(peer)
    this.#flows.delete(peer)
    this.#found(peer, false)
    for (const [id, open] of [...this.#open]) {
      if (open.peer !== peer) continue
      this.#forget(id)
      open.end.lost()
    }
  }

  // Links send again by themselves what mail lost, and the list of changes is no concern of theirs.
  beat(): void {}
  changes(): void {}

  drain(): void {
    this.#parts.drain()
  }

  close(): void {
    this.#parts.close()
    for (const peer of this.#heard.keys()) this.#send(peer, { id: HELLO, bye: 1 })
  }
}
