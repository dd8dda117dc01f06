/** What the classes of the official SDK do in a program that is served: servers that connect to stdio are captured. */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { OfficialFactory, OfficialServer } from '../../../sdk/official.ts'
import { type LowLevel, lowLevelOf } from '../../../sdk/private.ts'
import { HOOK, type SdkCopy } from './sdk-files.ts'
import { disconnect, WaitingTransport } from './waiting-transport.ts'

interface Origin {
  sdk: SdkCopy
  /** The program's transport is one of its own, around that of the SDK or with it as its base. It may change messages. */
  custom: boolean
}

export type Captured = Origin &
  (
    | {
        kind: 'server'
        server: OfficialServer
        /** Frees the server for the endpoint. Until then it is connected to nothing. */
        release(): void
      }
    /** `serveStdio` of 2.x. */
    | { kind: 'factory'; factory: OfficialFactory }
  )

/** What a program does with the SDK. */
export interface Watcher {
  captured(captured: Captured): void
  /** The program uses a stdio transport without a server of the SDK. */
  usedAlone(sdk: SdkCopy): void
}

type Connect = (this: object, transport: unknown, ...more: unknown[]) => Promise<unknown>
type ServeStdio = (factory: OfficialFactory, options?: { transport?: object }) => { close(): Promise<void> }

/** The classes that a file of the SDK declares, by name. */
type Classes = Readonly<Record<string, { readonly prototype: object }>>

class Hook {
  readonly #watcher: Watcher
  /** Prototypes of the SDK's stdio transports. */
  readonly #transports = new Set<object>()
  readonly #captured = new WeakSet<object>()
  /** What connects to a transport that is not of the SDK, and may have one of the SDK inside: captured when that one starts. */
  readonly #connecting = new AsyncLocalStorage<() => void>()

  constructor(watcher: Watcher) {
    this.#watcher = watcher
  }

  /** Called by a file of the SDK that has been loaded. */
  found({ StdioServerTransport, ...servers }: Classes, sdk: SdkCopy): void {
    if (StdioServerTransport) this.#holdTransport(StdioServerTransport.prototype, sdk)
    for (const { prototype } of Object.values(servers)) this.#watchConnect(prototype, sdk)
  }

  /** What `serveStdio` of 2.x becomes. */
  serveStdio(original: ServeStdio, sdk: SdkCopy): ServeStdio {
    return (factory, options) => {
      const { transport } = options ?? {}
      const capture = (custom: boolean) => this.#watcher.captured({ kind: 'factory', factory, sdk, custom })
      if (transport && this.#kindOf(transport) !== 'own') {
        return this.#connecting.run(
          () => capture(true),
          () => original(factory, options),
        )
      }
      capture(false)
      return { close: async () => {} }
    }
  }

  /** A server that connects is captured before it starts its transport. Something else starts it to read stdin. */
  #holdTransport(prototype: object, sdk: SdkCopy): void {
    this.#transports.add(prototype)
    define(prototype, 'start', async () => {
      const capture = this.#connecting.getStore()
      if (capture) capture()
      else this.#watcher.usedAlone(sdk)
    })
  }

  #watchConnect(prototype: object, sdk: SdkCopy): void {
    const connect = Reflect.get(prototype, 'connect') as Connect
    const hook = this
    define(prototype, 'connect', function (this: object, transport: unknown, ...more: unknown[]) {
      const kind = hook.#kindOf(transport)
      if (kind !== undefined) return hook.#capture(this, connect, { sdk, custom: kind === 'extended' })
      const goOn = () => Reflect.apply(connect, this, [transport, ...more])
      // The low-level server of one that is connecting.
      if (hook.#connecting.getStore()) return goOn()
      return hook.#connecting.run(() => hook.#captureConnected(this, { sdk, custom: true }), goOn)
    })
  }

  async #capture(server: object, connect: Connect, origin: Origin): Promise<void> {
    const low = this.#first(server)
    if (!low) return
    const waiting = new WaitingTransport()
    await Reflect.apply(connect, server, [waiting])
    this.#give(server, low, waiting, origin)
  }

  /** The transport that the server has connected to stays without messages. */
  #captureConnected(server: object, origin: Origin): void {
    const low = this.#first(server)
    if (low) this.#give(server, low, low.transport, origin)
  }

  /** Undefined for a server that the program connects again: it is connected. */
  #first(server: object): LowLevel | undefined {
    const low = lowLevelOf(server)
    if (!low || this.#captured.has(low)) return undefined
    this.#captured.add(low)
    return low
  }

  #give(server: object, low: LowLevel, transport: unknown, origin: Origin): void {
    const release = () => disconnect(low, transport)
    this.#watcher.captured({ kind: 'server', server: server as OfficialServer, ...origin, release })
  }

  /** Undefined: it is another transport. */
  #kindOf(transport: unknown): 'own' | 'extended' | undefined {
    if (typeof transport !== 'object' || transport === null) return undefined
    let proto: object | null = Object.getPrototypeOf(transport)
    if (proto && this.#transports.has(proto)) return 'own'
    while (proto && !this.#transports.has(proto)) proto = Object.getPrototypeOf(proto)
    return proto ? 'extended' : undefined
  }
}

function define(target: object, name: string | symbol, value: unknown): void {
  Object.defineProperty(target, name, { configurable: true, writable: true, value })
}

/** Makes the hook known to the files of the SDK that this process loads from now on. */
export function openHook(watcher: Watcher): void {
  define(globalThis, Symbol.for(HOOK), new Hook(watcher))
}
