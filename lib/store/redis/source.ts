/** Where the clients of a store come from: an address, or a client that the author has made. */
import { backoff, type Client, makeClient } from './client.ts'
import type { SourceOptions } from './given.ts'
import { misplacedServer } from './many-servers.ts'
import { readPlace } from './place.ts'
import { readySource } from './ready-client.ts'
import { secureOptions, tlsWithoutNeed } from './secure.ts'

export interface Source {
  /** The client is the author's: it is used for commands, and not closed. */
  readonly ready: boolean
  readonly cluster: boolean
  /**
   * The client for commands. `timeout` (ms) is how long one command may take in all. A connection that is silent for 40 %
   * of that is replaced, and its commands are sent again: a connection whose packets are dropped never closes by itself, so
   * a timeout of commands alone would leave it in use for ever.
   */
  commandClient(timeout: number): Client
  /** The client that waits for at most `block` ms in one command. It sends nothing twice: the loop that reads must see each loss. */
  waitingClient(timeout: number, block: number): Client
  /** The server is a node of a cluster: later clients are for a cluster. Returns why that cannot be. */
  foundCluster(): string | undefined
}

/** @throws TypeError with a line that names what is wrong */
export function sourceOf({ url, cluster, client, tls = {} }: SourceOptions): Source {
  if (client !== undefined) return readySource(client, backoff, url ?? cluster)
  const place = readPlace(url, cluster)
  const own = Object.values(tls).some((value) => value !== undefined)
  if (own && !place.tls) throw new TypeError(tlsWithoutNeed(tls, 'the address of Redis has none'))
  const hosts = place.nodes.map(({ host }) => host)
  // A plain server is checked as Node does it.
  const secure = () => (own || place.cluster || place.sentinel ? secureOptions(tls, hosts) : {})
  let options = place.tls ? secure() : undefined
  return {
    ready: false,
    get cluster() {
      return place.cluster
    },
    commandClient: (timeout) => makeClient(place, options, timeout),
    waitingClient: (timeout, block) => makeClient(place, options, timeout, block),
    foundCluster() {
      if (place.socket !== undefined) return misplacedServer('socket')
      place.cluster = true
      if (place.tls) options = secure()
      return undefined
    },
  }
}
