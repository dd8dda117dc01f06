/** What the page knows, and what it can do. The views show it. */
import type { CreateMessageRequest, ElicitRequest, LoggingLevel } from '@modelcontextprotocol/client'
import type { About } from '../about.ts'
import { Changes } from './changes.ts'
import { type AskContext, Connection, type Era, type Offer, type Person, REVISIONS } from './connection.ts'
import { announce, notify } from './dom/elements.ts'
import { type Failure, failureOf } from './failure.ts'
import { Instances, killInstance, readKillToken } from './instances.ts'
import { endpointOf, readAbout } from './location.ts'
import { type Asked, elicitation, type Question, roots, sampling } from './question.ts'
import type { Run } from './run.ts'
import { type ItemKey, Runs } from './runs.ts'
import { Wire } from './wire.ts'

/** locked: a token is needed, and there is none. */
type Status = 'locked' | 'connecting' | 'ready' | 'failed'

/** How often it is looked whether an instance is back, in ms, and how many times. */
const LOOK = 300
const LOOKS = 100

export class App implements Person {
  readonly about: About
  readonly url: URL
  readonly wire = new Wire()
  readonly instances = new Instances()
  readonly runs = new Runs(this.instances)
  /** Status, offer or kind of revision have changed. */
  readonly changed = new Changes()
  /** A question that belongs to no run. */
  readonly asked = new Changes<[question: Asked]>()
  era: Era = 'session'
  status: Status = 'connecting'
  failure: Failure | undefined
  offer: Offer | undefined
  connection: Connection | undefined
  level: LoggingLevel = 'info'
  #token: string | undefined
  #killToken = readKillToken()

  constructor(about: About) {
    this.about = about
    this.url = endpointOf(new URL(location.href), about.path)
    if (about.instances) this.instances.set(about.instances)
    this.wire.recorded.on((entry, isNew) => {
      if (!isNew && entry.instance !== undefined) this.instances.answered(entry.instance)
      this.runs.record(entry, isNew)
    })
  }

  /** What the server is called. */
  get title(): string {
    const { info } = this.offer ?? {}
    return info?.title ?? info?.name ?? this.about.name
  }

  get hasToken(): boolean {
    return this.#token !== undefined
  }

  /** Takes a token, which stays in this page, or forgets it. */
  async setToken(token: string | undefined): Promise<void> {
    this.#token = token
    await this.connect()
  }

  async switchTo(era: Era): Promise<void> {
    if (era === this.era) return
    this.era = era
    await this.connect()
  }

  /** Connects anew. The runs of the connection before stay as they are. */
  async connect(): Promise<void> {
    const isLocked = this.about.admission !== 'open' && this.#token === undefined
    const before = this.connection
    this.connection = undefined
    this.offer = undefined
    this.failure = undefined
    this.#set(isLocked ? 'locked' : 'connecting')
    await before?.close()
    if (isLocked) return
    const connection = new Connection(this.url, this.era, this.#token, this.level, this.wire, this)
    this.connection = connection
    this.wire.lastRefusal = undefined
    try {
      const offer = await connection.open()
      if (this.connection !== connection) return
      this.offer = offer
      this.#set('ready')
    } catch (error) {
      if (this.connection === connection) this.#fail(error)
    }
  }

  async setLevel(level: LoggingLevel): Promise<void> {
    this.level = level
    await this.connection?.setLevel(level).catch((error: Error) => announce(error.message))
  }

  /** Calls something of the server. */
  call(key: ItemKey, name: string, send: (connection: Connection, run: Run) => Promise<unknown>): void {
    const { connection } = this
    if (!connection) return
    this.wire.lastRefusal = undefined
    const result = this.runs.start({
      key,
      name,
      revision: REVISIONS[connection.era],
      send: (run) => send(connection, run),
    })
    result.catch(() => {
      // Every further call would fail, too: the page shows it above all of them.
      const { status } = this.wire.lastRefusal ?? {}
      if (this.connection === connection && (status === 401 || status === 404)) this.#fail(undefined)
    })
  }

  /** Ends an instance of `dev`, and waits until it is back. @throws Error with what the endpoint says */
  async kill(instance: string): Promise<void> {
    this.#killToken ??= prompt('The token that dev has printed behind the address of the page:')?.trim() || undefined
    if (this.#killToken === undefined) return
    try {
      await killInstance(this.url, { instance, token: this.#killToken })
    } catch (error) {
      this.#killToken = undefined
      throw error
    }
    announce(`Instance ${instance} was killed`)
    this.instances.mark(instance, false)
    for (let look = 0; look < LOOKS; look++) {
      await new Promise((resolve) => setTimeout(resolve, LOOK))
      const about = await readAbout().catch(() => undefined)
      if (!about?.instances) continue
      this.instances.set(about.instances)
      if (about.instances.some(({ name, isReady }) => name === instance && isReady)) return
    }
  }

  elicit(params: ElicitRequest['params'], context: AskContext) {
    return this.#ask(elicitation(params, context), context, params)
  }

  sample(params: CreateMessageRequest['params'], context: AskContext) {
    return this.#ask(sampling(params, context), context, params)
  }

  listRoots(context: AskContext) {
    return this.#ask(roots(context), context, undefined)
  }

  async listsChanged(): Promise<void> {
    const { connection } = this
    const offer = await connection?.offer().catch(() => undefined)
    if (!offer || this.connection !== connection) return
    this.offer = offer
    notify('The lists of the server have changed')
    this.changed.emit()
  }

  resourceUpdated(uri: string): void {
    notify(`${uri} has changed`)
  }

  elicitationCompleted(): void {
    notify('The page that the server asked for is done')
  }

  #ask<Answer>(question: Question<Answer>, { id }: AskContext, params: unknown): Promise<Answer> {
    const run = this.runs.withNumber(this.wire.takeAsk(id, params))
    if (run) run.ask(question)
    else this.asked.emit(question)
    return question.answer
  }

  #fail(error: unknown): void {
    this.failure = failureOf(error, this.wire.lastRefusal)
    if (this.failure.kind === 'token') this.#token = undefined
    this.#set(this.failure.kind === 'token' ? 'locked' : 'failed')
  }

  #set(status: Status): void {
    this.status = status
    this.changed.emit()
  }
}
