/**
 * The process of one session, which this instance has. The store names it as the holder of the session's process, so that it is the
 * only one. Another instance becomes the holder only where this one has given the process up, or counts as dead.
 */
import type { Timer } from '../../../base/clock.ts'
import { randomId } from '../../../base/ids.ts'
import { ErrorCode, ProtocolError } from '../../../protocol/errors.ts'
import type { JsonObject } from '../../../protocol/jsonrpc.ts'
import type { HeldConnection } from '../../../runtime/held.ts'
import type { Instance } from '../../../runtime/instance.ts'
import type { Mail } from '../../../runtime/mail.ts'
import type { Child } from './process/child.ts'
import { Elsewhere, HOLDER_LEFT, lostWith, MOVED } from './process/errors.ts'
import type { Receiver } from './process/receiver.ts'
import type { ServerProcess } from './process/server-process.ts'
import type { Tenant } from './tenant.ts'

/** The name, among the streams of a session, of what its holder has. */
export const PROCESS = 'process'
/** The part of a lease after which the store is asked whether this instance still is the holder. */
const ASK_AFTER = 1 / 3
/** How long a process may take to end by the end of its input, and then by SIGTERM, in ms. */
const GRACE = 2_000
/** The same, in ms, where this instance ends. */
export const LAST_GRACE = 250
/** How long the store has a principal without requests, beside the time that its process is kept, in ms. */
const KEPT = 10 * 60_000

/** A process that has been started. */
export interface Started {
  child: Child
  process: ServerProcess
  /** Applies the log level of the session, as it changes. */
  setLevel(level: unknown): void
}

interface PlaceParts {
  instance: Instance
  tenant: Tenant
  /** How long a process without a request is kept, in ms. */
  idle: number
  /** Starts the process, where the bounds allow one more. */
  start(place: Place): Promise<Started>
  /** The process is over, or this instance no longer has it. */
  over(place: Place): void
  /** Counts the place among those of its principal. */
  count(): void
  report(error: Error): void
}

export class Place implements HeldConnection {
  readonly token = randomId(6)
  readonly #parts: PlaceParts
  #started: Promise<Started> | undefined
  #now: Started | undefined
  /** Why the process was not started. */
  #refusal: unknown
  /** leaving: the process ends with its last request, and the next one is served by a new process. */
  #state: 'open' | 'leaving' | 'over' = 'open'
  #running = 0
  /** When the store confirmed the holder, and when the last request ended, by the clock's `now`. */
  #confirmed: number
  #used: number
  #idle: Timer | undefined

  constructor(parts: PlaceParts) {
    this.#parts = parts
    this.#used = this.#confirmed = parts.instance.clock.now()
  }

  get tenant(): Tenant {
    return this.#parts.tenant
  }
  /** The name by which the store has it. */
  get name(): string {
    return this.#parts.instance.name(this.token)
  }
  /** It takes requests. */
  get isOpen(): boolean {
    return this.#state === 'open'
  }
  /** Since when no request runs; undefined: one runs, or the process is about to start. */
  get idleSince(): number | undefined {
    return this.isOpen && this.#running === 0 && this.#now ? this.#used : undefined
  }

  /** The store has named this place. */
  begin(): void {
    const { instance, start } = this.#parts
    instance.add('connection', this)
    const started = start(this)
    this.#started = started
    started.then(
      (now) => {
        this.#now = now
        if (this.#state === 'over') return this.#end(now)
        void now.child.ended.then(() => this.#over())
        now.process.ready.catch((error: Error) => {
          this.#parts.report(error)
          this.#over()
        })
        this.#rest()
      },
      (error) => {
        this.#refusal = error
        this.#over()
      },
    )
  }

  /**
   * Has the store confirm that this instance is the holder, where that is some time ago: another one may have taken this instance
   * for dead. Undefined: it is.
   *
   * @throws Elsewhere where it is not; StoreUnavailable
   */
  #confirmAgain(): Promise<void> | undefined {
    const { clock, options } = this.#parts.instance
    return clock.now() - this.#confirmed > options.lease * ASK_AFTER ? this.#confirm() : undefined
  }

  async #confirm(): Promise<void> {
    const { instance, idle, tenant } = this.#parts
    const { key, isPrincipal } = tenant
    const asked = instance.clock.now()
    if (isPrincipal) await instance.store.readSession(key, idle + KEPT, instance.options.maxLifetime)
    const { name } = this
    let reply = await instance.store.replaceHolder(key, PROCESS, name, name)
    // A store that failed over may have lost the name, and no other instance has taken the place then.
    const isLost = reply.status === 'moved' && reply.holder === undefined
    if (isLost && this.isOpen) reply = await instance.store.replaceHolder(key, PROCESS, '', name)
    if (reply.status === 'ok') {
      this.#confirmed = asked
      return
    }
    if (!this.isOpen) return
    const why = reply.status === 'moved' ? MOVED : SESSION_ENDED
    this.#now?.process.fail(new ProtocolError(ErrorCode.InternalError, why))
    this.#over()
    throw new Elsewhere()
  }

  /** @throws ProtocolError; Elsewhere where the request did not begin here */
  async request(
    method: string,
    params: JsonObject | undefined,
    receiver: Receiver,
    signal: AbortSignal,
  ): Promise<JsonObject> {
    await this.#confirmAgain()
    if (!this.isOpen || !this.#started) throw this.#refusal ?? new Elsewhere()
    this.#running++
    this.#idle?.cancel()
    try {
      const { process } = this.#now ?? (await this.#started)
      return await process.request(method, params, receiver, signal)
    } finally {
      this.#running--
      this.#used = this.#parts.instance.clock.now()
      if (this.#state === 'leaving' && this.#running === 0) this.#over()
      else this.#rest()
    }
  }

  /** The client has made something known. */
  heard(method: string, params: JsonObject | undefined): void {
    // A process that does not start has nobody to hear it.
    this.#started?.then((started) => this.#hear(started, method, params)).catch(() => {})
  }

  async #hear({ process, setLevel }: Started, method: string, params: JsonObject | undefined): Promise<void> {
    // The process has got the level as a request, where it takes one.
    if (method === 'logging/setLevel') setLevel(params?.level)
    else if (method.startsWith('notifications/')) await process.notify(method, params)
  }

  /** Ends the process after a while without a request. */
  #rest(): void {
    const { instance, idle } = this.#parts
    this.#idle?.cancel()
    if (this.idleSince === undefined) return
    this.#idle = instance.clock.after(idle, () => this.end())
  }

  /** Ends the process. Its session goes on: the next request starts another one. */
  end(): void {
    this.#over()
  }

  /** It ends, and the store no longer names it. */
  #over(grace = GRACE): void {
    if (this.#state === 'over') return
    const { instance, over } = this.#parts
    const isNamed = this.#state === 'open'
    this.#state = 'over'
    this.#idle?.cancel()
    instance.remove(this)
    over(this)
    if (isNamed) this.#release()
    if (this.#now) this.#end(this.#now, grace)
  }

  #end({ child, process }: Started, grace = GRACE): void {
    process.fail(new ProtocolError(ErrorCode.InternalError, lostWith('The process of this session was ended')))
    void this.#parts.instance.track(child.end(grace))
  }

  #release(): void {
    const { instance, tenant } = this.#parts
    const { name } = this
    instance.retry.add(() => instance.store.replaceHolder(tenant.key, PROCESS, name, ''))
  }

  // For the instance ------------------------------------------------------------------------------------------------

  /** The session has ended. */
  receive(mail: Mail): void {
    if (mail.t !== 'gone') return
    this.#now?.process.fail(new ProtocolError(ErrorCode.InternalError, SESSION_ENDED))
    this.#over()
  }

  beat(): void {
    if (!this.isOpen) return
    this.#parts.count()
    this.#confirm().catch((error) => {
      if (!(error instanceof Elsewhere)) this.#parts.instance.report(error)
    })
  }

  /** The instance shuts down: requests that run may end, and the next one starts a process elsewhere. */
  drain(): void {
    if (!this.isOpen) return
    if (this.#running === 0) return this.#over()
    this.#state = 'leaving'
    this.#release()
  }

  /** The instance waits no longer. */
  close(): void {
    this.#now?.process.fail(new ProtocolError(ErrorCode.InternalError, HOLDER_LEFT))
    this.#over(LAST_GRACE)
  }

  *owners(): Iterable<string> {}
  changes(): void {}
  ownerLost(): void {}
}

const SESSION_ENDED = 'The session has ended.'
