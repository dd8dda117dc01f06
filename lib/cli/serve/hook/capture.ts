/** What the classes of the official SDK do in a program that is served: servers that connect to stdio are captured. */
import type { OfficialFactory, OfficialServer } from '../../../sdk/official.ts'
import { lowLevelOf } from '../../../sdk/private.ts'
import { HOOK, type SdkCopy } from './sdk-files.ts'
import { disconnect, WaitingTransport } from './waiting-transport.ts'

export type Captured =
  | {
      kind: 'server'
      server: OfficialServer
      sdk: SdkCopy
      /** The program's transport is a class of its own, with the SDK's as its base. */
      extended: boolean
      /** Frees the server for the endpoint. Until then it is connected to nothing. */
      release(): void
    }
  /** `serveStdio` of 2.x. */
  | { kind: 'factory'; factory: OfficialFactory; sdk: SdkCopy }

/** What a program does with the SDK. */
export interface Watcher {
  /** A copy of the SDK is there, with a class that the hook knows. */
  loaded(sdk: SdkCopy): void
  captured(captured: Captured): void
  /** A stdio transport is used by something that is no server of the SDK. */
  wrapped(sdk: SdkCopy): void
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

  constructor(watcher: Watcher) {
    this.#watcher = watcher
  }

  /** Called by a file of the SDK that has been loaded. */
  found({ StdioServerTransport, ...servers }: Classes, sdk: SdkCopy): void {
    this.#watcher.loaded(sdk)
    if (StdioServerTransport) this.#holdTransport(StdioServerTransport.prototype, sdk)
    for (const { prototype } of Object.values(servers)) this.#watchConnect(prototype, sdk)
  }

  /** What `serveStdio` of 2.x becomes. */
  serveStdio(original: ServeStdio, sdk: SdkCopy): ServeStdio {
    return (factory, options) => {
      const { transport } = options ?? {}
      if (transport && this.#kindOf(transport) === undefined) return original(factory, options)
      this.#watcher.captured({ kind: 'factory', factory, sdk })
      return { close: async () => {} }
    }
  }

  /** A server that connects is captured before it starts its transport. Something else starts it to read stdin by itself. */
  #holdTransport(prototype: object, sdk: SdkCopy): void {
    this.#transports.add(prototype)
    define(prototype, 'start', async () => this.#watcher.wrapped(sdk))
  }

  #watchConnect(prototype: object, sdk: SdkCopy): void {
    const connect = Reflect.get(prototype, 'connect') as Connect
    const hook = this
    define(prototype, 'connect', function (this: object, transport: unknown, ...more: unknown[]) {
      const kind = hook.#kindOf(transport)
      if (kind === undefined) return Reflect.apply(connect, this, [transport, ...more])
      return hook.#capture(this, connect, kind === 'extended', sdk)
    })
  }

  async #capture(server: object, connect: Connect, extended: boolean, sdk: SdkCopy): Promise<void> {
    const low = lowLevelOf(server)
    // The program connects it again: it is connected.
    if (!low || this.#captured.has(low)) return
    this.#captured.add(low)
    const waiting = new WaitingTransport()
    await Reflect.apply(connect, server, [waiting])
    this.#watcher.captured({
      kind: 'server',
      server: server as OfficialServer,
      sdk,
      extended,
      release: () => disconnect(low, waiting),
    })
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
