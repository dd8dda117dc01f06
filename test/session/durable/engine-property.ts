/**
 * Random orders of what happens to a durable call, in the whole engine: instances die, stand still until they are taken for dead, and
 * shut down; the client answers, cancels, drops its connection and polls; replies are lost; time passes. The rules are those of
 * docs/model/suspend.pml.
 */
import fc from 'fast-check'
import { expect } from 'vitest'
import type { Clock } from '../../../lib/base/clock.ts'
import { digest } from '../../../lib/base/ids.ts'
import type { Context } from '../../../lib/server/context/context.ts'
import { McpServer } from '../../../lib/server/mcp-server.ts'
import { sessionKey } from '../../../lib/session/stream/session.ts'
import type { Keep, KeepReply } from '../../../lib/store/journal.ts'
import type { Store } from '../../../lib/store/store.ts'
import { PollingClient } from './polling-client.ts'
import { type Fault, LEASE, type Node, World } from './world.ts'

const FORM = { type: 'object', properties: { a: { type: 'string' } } } as const
const NODES = 3
const MINUTE = 60_000

type Event =
  | { do: 'step'; which: number }
  | { do: 'kill' | 'pause' | 'resume' | 'lapse' | 'drain' | 'poll' | 'move' | 'cancel'; at: number }
  | { do: 'answer'; at: number; which: number }
  | { do: 'fault'; at: number; fault: Fault }
  | { do: 'pass'; ms: number }
  | { do: 'drop' }

const at = fc.nat({ max: NODES - 1 })
const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 40, arbitrary: fc.nat({ max: 11 }).map((which): Event => ({ do: 'step', which })) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('poll' as const, 'move' as const), at }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('answer' as const), at, which: fc.nat({ max: 1 }) }) },
  { weight: 1, arbitrary: fc.constant<Event>({ do: 'drop' }) },
  {
    weight: 4,
    arbitrary: fc.constantFrom<Event[]>(...[1_000, 5_000, 5_000, 11_000].map((ms) => ({ do: 'pass', ms }) as const)),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constantFrom('pause' as const, 'resume' as const, 'resume' as const), at }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('kill' as const, 'drain' as const, 'lapse' as const), at }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('fault' as const),
      at,
      fault: fc.constantFrom<Fault[]>('repeat', 'not done', 'lost'),
    }),
  },
)
/** One call in five is cancelled: the others have to come to their end. */
const cancel = fc.oneof(
  { weight: 4, arbitrary: fc.constant(undefined) },
  { weight: 1, arbitrary: fc.record({ before: fc.nat({ max: 120 }), at }) },
)
const events = fc.tuple(fc.array(event, { minLength: 30, maxLength: 160 }), cancel)

interface Effect {
  node: Node
  name: 'a' | 'b'
}

/** What the handlers of all instances do and see. */
class Account {
  readonly world: World
  /** How often each has begun. */
  readonly effects = { a: 0, b: 0 }
  /** How often one was under way in a run whose instance died, stood still or shut down. */
  readonly hits = { a: 0, b: 0 }
  readonly kept = new Set<string>()
  readonly seen = { one: new Set<string>(), two: new Set<string>() }
  readonly faults: string[] = []
  readonly #doing = new Set<Effect>()

  constructor(world: World) {
    this.world = world
  }

  serve(node: Node): McpServer {
    const server = new McpServer({ name: 'property', version: '1' })
    server.registerTool('act', { durable: true }, async (ctx) => {
      await ctx.log('info', '1')
      await this.world.turn(node)
      await ctx.once('a', () => this.#effect(node, 'a'))
      await ctx.log('info', '2')
      await Promise.all([this.#ask(node, ctx, 'one'), this.#ask(node, ctx, 'two')])
      await ctx.log('info', '3')
      await this.world.turn(node)
      await ctx.once('b', () => this.#effect(node, 'b'), { single: true })
      await ctx.log('info', '4')
      return { content: [{ type: 'text', text: 'done' }] }
    })
    return server
  }

  async #ask(node: Node, ctx: Context, key: 'one' | 'two'): Promise<void> {
    const value = await ctx.elicit(`${key}?`, FORM, { key, timeout: MINUTE }).then(
      ({ content }) => String(content?.a),
      (error) => String(error.reason ?? error.name),
    )
    // A run that is over sees nothing.
    if (!node.dead && !ctx.signal.aborted && value !== 'AskPending') this.seen[key].add(value)
  }

  async #effect(node: Node, name: 'a' | 'b'): Promise<string> {
    if (node.dead) return new Promise(() => {})
    if (this.kept.has(name)) this.faults.push(`"${name}" begins again after its end`)
    this.effects[name]++
    const doing = { node, name }
    this.#doing.add(doing)
    if (node.draining || !node.moves) this.hits[name]++
    await this.world.turn(node)
    this.#doing.delete(doing)
    return name
  }

  /** The instance may be found dead from now on, whatever it does. */
  hit(node: Node): void {
    for (const doing of this.#doing) if (doing.node === node) this.hits[doing.name]++
  }

  /** Notes which results the store has. */
  watch(store: Store): Store {
    const names = new Map([
      [digest('a', 16), 'a'],
      [digest('b', 16), 'b'],
    ])
    const keep = async (key: string, keep: Keep): Promise<KeepReply> => {
      const reply = await store.keep(key, keep)
      if (keep.step === 'end' && reply.status === 'ok') this.kept.add(names.get(keep.name) ?? '')
      return reply
    }
    return new Proxy(store, {
      get(target, name) {
        if (name === 'keep') return keep
        const value: unknown = Reflect.get(target, name)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  }
}

async function play(base: Store, world: World, list: Event[]): Promise<void> {
  const account = new Account(world)
  const store = account.watch(base)
  const nodes = Array.from({ length: NODES }, () => world.start(store, (node) => account.serve(node)))
  const client = new PollingClient()
  const [first] = nodes as [Node]
  await client.open(first)
  client.call(first)
  // A client that has no event id of its call cannot come back to it.
  for (let i = 0; i < 50 && !client.hasBegun; i++) await world.quiet()
  world.auto = false
  for (const each of list) {
    happen(each, { world, nodes, client, account })
    if (each.do === 'pass') await world.clock.advance(each.ms)
    if (each.do === 'lapse') await lapse(nodes[each.at], { world, nodes, client, account })
    await world.quiet(2)
  }
  await settle(world, nodes, client)
  await judge(store, client, account)
}

interface Parts {
  world: World
  nodes: Node[]
  client: PollingClient
  account: Account
}

const serves = (node: Node | undefined): node is Node => node !== undefined && !node.dead && !node.draining

function happen(each: Event, { world, nodes, client, account }: Parts): void {
  const node = 'at' in each ? nodes[each.at] : undefined
  switch (each.do) {
    case 'step':
      return world.step(each.which)
    case 'drop':
      return client.drop()
    case 'kill':
    case 'drain': {
      if (!serves(node) || nodes.filter(serves).length < 2) return
      account.hit(node)
      if (each.do === 'drain') return node.drain()
      node.kill()
      return client.lost(node)
    }
    case 'lapse':
      return node && account.hit(node)
    case 'pause':
      if (node) account.hit(node)
      return node?.pause()
    case 'resume':
      return node?.resume()
    case 'fault':
      node?.faults.push(each.fault)
      return
    case 'answer': {
      const ask = client.asks[each.which]
      if (serves(node) && ask) client.answer(node, ask, { action: 'accept', content: { a: 'yes' } })
      return
    }
    case 'move':
      client.drop()
      return serves(node) ? client.poll(node) : undefined
    case 'poll':
      return serves(node) ? client.poll(node) : undefined
    case 'cancel':
      return serves(node) ? client.cancel(node) : undefined
    default:
  }
}

/**
 * An instance stands still while the client is at another one, which finds it dead, and goes on before that one has done what follows
 * from it.
 */
async function lapse(node: Node | undefined, { world, nodes, client }: Parts): Promise<void> {
  const other = nodes.find((one) => one !== node && serves(one) && one.moves)
  if (!node || !other) return
  client.drop()
  client.poll(other)
  for (let i = 0; i < 6; i++) {
    world.release(other)
    await world.quiet()
  }
  node.pause()
  for (let i = 0; i < 4; i++) await world.clock.advance(LEASE / 2)
  node.resume()
}

/** Nothing bad happens from now on, and the client answers and comes back: the call has to end. */
async function settle(world: World, nodes: Node[], client: PollingClient): Promise<void> {
  world.auto = true
  for (const node of nodes) {
    node.faults.length = 0
    node.resume()
  }
  world.release()
  const isOver = (i: number) => client.waiting === 0 && (client.isOver || (client.cancelled && i > 60))
  for (let i = 0; i < 120 && !isOver(i); i++) {
    await world.clock.advance(2_000)
    await world.quiet()
    const node = nodes.filter(serves)[i % nodes.filter(serves).length]
    if (!node) return
    for (const ask of client.asks) {
      if (!client.acknowledged.has(String(ask.id)))
        client.answer(node, ask, { action: 'accept', content: { a: 'yes' } })
    }
    client.poll(node)
    await world.quiet()
  }
}

async function judge(store: Store, client: PollingClient, { effects, hits, seen, faults }: Account): Promise<void> {
  expect(faults, 'an ended once never begins again').toEqual([])
  expect(effects.b, 'a single once begins once at most').toBeLessThanOrEqual(1)
  expect(effects.a, 'a once is repeated only where its run was hit').toBeLessThanOrEqual(1 + hits.a)
  expect(client.waiting, 'every answer is taken or refused').toBe(0)
  const said = client.messages.flatMap(({ method, params }) => {
    if (method === 'notifications/message') return [params.data]
    return method === 'elicitation/create' ? [params.message] : []
  })
  const all = ['1', '2', 'one?', 'two?', '3', '4']
  expect(said, 'messages come in order, each once').toEqual(all.slice(0, said.length))
  const results = client.messages.filter(({ id, method }) => id === 'c' && method === undefined)
  expect(results.length, 'a call has one end').toBeLessThanOrEqual(1)
  const key = sessionKey('', client.session)
  if (client.cancelled) expect(await store.calls(key), 'a cancelled call is over').toEqual([])
  else expect(results, 'no call hangs').toHaveLength(1)
  for (const values of [seen.one, seen.two]) expect([...values].length, `${[...values]}`).toBeLessThanOrEqual(1)
  if (results[0] === undefined || results[0].error || results[0].result?.isError) return
  expect(client.messages.at(-1)).toBe(results[0])
  expect(said).toEqual(all)
  expect(effects.b).toBe(1)
}

/** @param makeStore by the clock of the instances, where its own clock can be another */
export async function checkEngine(
  makeStore: (clock: Clock) => Store,
  options: { numRuns: number; seed?: number },
): Promise<void> {
  const property = fc.asyncProperty(events, async ([list, cancel]) => {
    const world = new World()
    const all = [...list]
    if (cancel) all.splice(cancel.before, 0, { do: 'cancel', at: cancel.at })
    await play(makeStore(world.clock), world, all)
  })
  await fc.assert(property, options)
}
