/** The processes of this instance, and the way of each request to the one that serves its session: here, or at another instance. */
import { pause } from '../../../base/clock.ts'
import { ErrorCode, ProtocolError } from '../../../protocol/errors.ts'
import type { JsonObject } from '../../../protocol/jsonrpc.ts'
import type { Instance } from '../../../runtime/instance.ts'
import { instanceOf } from '../../../runtime/name.ts'
import type { ServeOptions } from '../../../settings-serve.ts'
import { Place, PROCESS, type Started } from './place.ts'
import { Elsewhere, LEAVING, RESTLESS } from './process/errors.ts'
import type { Receiver } from './process/receiver.ts'
import { Back, type Served } from './relay/back.ts'
import { relayHeard, relayRequest } from './relay/front.ts'
import { Relays } from './relay/relays.ts'
import { Room } from './room.ts'
import type { Tenant } from './tenant.ts'

interface PlacesParts {
  instance: Instance
  bounds: ServeOptions
  /** Starts a process for a place. */
  start(place: Place): Promise<Started>
  report(error: Error): void
  /** The instance waits no longer for processes that are about to end. */
  hurry(): void
}

/** Where the process of a session is. */
type Way = Place | { peer: string }

/** Sessions whose instance is remembered, so that their requests need not ask the store. */
const MOST_KNOWN = 10_000
/** How often a request looks for a process that moves. */
const TRIES = 6
/** The pause before each further try, in ms: longer each time. */
const PAUSE = 20
/** After so many denials what the store names is taken for what an instance could not remove. */
const DENIED = 3

export class Places implements Served {
  readonly #parts: PlacesParts
  readonly #places = new Map<string, Place>()
  readonly #room: Room
  readonly #relays: Relays
  readonly #known = new Map<string, string>()
  /** How often the instance that the store names has replied that it does not have the process of a session. */
  readonly #denied = new Map<string, number>()
  readonly #finding = new Map<string, Promise<Way>>()
  #isHere = false

  constructor(parts: PlacesParts) {
    this.#parts = parts
    this.#room = new Room(parts.instance, parts.bounds, this.#places)
    this.#relays = new Relays(parts.instance, {
      accept: (line) => new Back(line, this),
      left: (peer) => this.#left(peer),
      drain: () => this.#drain(),
      close: () => this.#close(),
    })
  }

  /**
   * Has the process of the tenant answer a request, and starts it where there is none.
   *
   * @throws ProtocolError for what the client gets as the error; StoreUnavailable
   */
  async request(
    tenant: Tenant,
    method: string,
    params: JsonObject | undefined,
    receiver: Receiver,
    signal: AbortSignal,
  ): Promise<JsonObject> {
    const { key } = tenant
    for (let tries = 0; tries < TRIES; tries++) {
      if (tries > 0) await this.#pause(tries)
      try {
        const way = await this.#find(tenant)
        signal.throwIfAborted()
        if (way instanceof Place) return await way.request(method, params, receiver, signal)
        const result = await relayRequest(this.#relays, way.peer, { key, method, params, receiver, signal })
        this.#denied.delete(key)
        return result
      } catch (error) {
        if (!(error instanceof Elsewhere)) throw error
        if (this.#known.delete(key)) this.#deny(key)
      }
    }
    throw new ProtocolError(ErrorCode.InternalError, RESTLESS)
  }

  #deny(key: string): void {
    // Few sessions are denied at once, and those that do not come back have an entry left.
    if (this.#denied.size >= MOST_KNOWN) this.#denied.clear()
    this.#denied.set(key, (this.#denied.get(key) ?? 0) + 1)
  }

  /** What an instance gives up or takes is in the store a moment later. */
  #pause(tries: number): Promise<void> {
    return pause(this.#parts.instance.clock, PAUSE * tries)
  }

  /** The client has made something known. Without a process that is for nobody: the next process gets the state of the session. */
  heard(key: string, method: string, params: JsonObject | undefined): void {
    const place = this.#places.get(key)
    if (place) return place.heard(method, params)
    const { instance } = this.#parts
    const send = async () => {
      const peer = this.#known.get(key) ?? (await this.#holderOf(key))
      if (peer === undefined || peer === instance.id) return
      await this.#attend()
      relayHeard(this.#relays, peer, { k: 'heard', key, method, ...(params && { params }) })
    }
    instance.track(send())
  }

  async #holderOf(key: string): Promise<string | undefined> {
    const reply = await this.#parts.instance.store.replaceHolder(key, PROCESS, '', '')
    return reply.status === 'moved' && reply.holder !== undefined ? instanceOf(reply.holder) : undefined
  }

  // For other instances ---------------------------------------------------------------------------------------------

  requestHere(
    key: string,
    method: string,
    params: JsonObject | undefined,
    receiver: Receiver,
    signal: AbortSignal,
  ): Promise<JsonObject> {
    const serve = async () => {
      const place = this.#places.get(key)
      if (!place) throw new Elsewhere()
      return place.request(method, params, receiver, signal)
    }
    // A drain waits for it, as for the calls of the clients of this instance.
    return this.#parts.instance.during(serve())
  }

  heardHere(key: string, method: string, params: JsonObject | undefined): void {
    this.#places.get(key)?.heard(method, params)
  }

  // The way ---------------------------------------------------------------------------------------------------------

  #find(tenant: Tenant): Way | Promise<Way> {
    const { key } = tenant
    const place = this.#places.get(key)
    if (place?.isOpen) return place
    const known = this.#known.get(key)
    if (known !== undefined) return this.#reached(tenant, known)
    return this.#findOnce(tenant)
  }

  /** Requests of one session that come at once look once. */
  #findOnce(tenant: Tenant): Promise<Way> {
    const { key } = tenant
    const finding = this.#finding.get(key)
    if (finding) return finding
    const found = this.#ask(tenant).finally(() => this.#finding.delete(key))
    this.#finding.set(key, found)
    return found
  }

  async #reached(tenant: Tenant, peer: string): Promise<Way> {
    if (await this.#relays.reach(peer)) return { peer }
    this.#known.delete(tenant.key)
    return this.#findOnce(tenant)
  }

  /** Asks the store for the holder, and takes the place where there is none, or where its instance is dead. */
  async #ask(tenant: Tenant): Promise<Way> {
    const { instance } = this.#parts
    const { key, isPrincipal } = tenant
    const store = await this.#attend()
    const place = this.#placeFor(tenant)
    let expected = ''
    for (let tries = 0; tries < TRIES; tries++) {
      const name = instance.draining ? '' : place.name
      const reply = await store.replaceHolder(key, PROCESS, expected, name)
      if (reply.status === 'ok') {
        if (name === '') throw new ProtocolError(ErrorCode.InternalError, LEAVING)
        this.#denied.delete(key)
        this.#places.set(key, place)
        place.begin()
        return place
      }
      if (reply.status === 'gone') {
        if (!isPrincipal) throw new ProtocolError(ErrorCode.SessionNotFound, 'The session has ended.')
        await store.createSession(key, '{}', KEPT_FIRST, undefined, instance.options.maxLifetime)
        continue
      }
      const { holder = '' } = reply
      const peer = instanceOf(holder)
      const isDenied = (this.#denied.get(key) ?? 0) >= DENIED
      if (holder !== '' && peer !== instance.id && !isDenied && (await this.#lives(peer))) {
        this.#remember(key, peer)
        return { peer }
      }
      // A place of this instance that is about to be given up, or of one that is dead.
      expected = holder
    }
    throw new ProtocolError(ErrorCode.InternalError, RESTLESS)
  }

  async #lives(peer: string): Promise<boolean> {
    const dead = await this.#parts.instance.presence.deadAfterWait([peer])
    return !dead.has(peer) && (await this.#relays.reach(peer))
  }

  #remember(key: string, peer: string): void {
    this.#known.set(key, peer)
    if (this.#known.size <= MOST_KNOWN) return
    const [oldest = ''] = this.#known.keys()
    this.#known.delete(oldest)
  }

  /** From now on this instance gets mail. */
  #attend(): ReturnType<Instance['attend']> {
    const { instance } = this.#parts
    if (!this.#isHere) {
      this.#isHere = true
      instance.add('connection', this.#relays)
    }
    return instance.attend()
  }

  #placeFor(tenant: Tenant): Place {
    const { instance, bounds, start, report } = this.#parts
    return new Place({
      instance,
      tenant,
      idle: bounds.idle,
      report,
      start: async (place) => {
        await this.#room.admit(place)
        return start(place)
      },
      over: (place) => this.#forget(place),
      count: () => void instance.track(this.#room.count(tenant)),
    })
  }

  #forget(place: Place): void {
    const { tenant } = place
    if (this.#places.get(tenant.key) === place) this.#places.delete(tenant.key)
    this.#parts.instance.retry.add(() => this.#room.uncount(tenant))
  }

  // The end ---------------------------------------------------------------------------------------------------------

  #left(peer: string): void {
    for (const [key, known] of this.#known) if (known === peer) this.#known.delete(key)
  }

  #drain(): void {
    for (const place of [...this.#places.values()]) place.drain()
  }

  #close(): void {
    for (const place of [...this.#places.values()]) place.close()
    this.#parts.hurry()
    this.#parts.instance.remove(this.#relays)
  }
}

/** How long the store has a principal whose process is about to start, in ms. */
const KEPT_FIRST = 10 * 60_000
