/** Makes clients of Redis: its address and the limits of time. */

import type { ConnectionOptions } from 'node:tls'
import { jitter } from '../../base/ids.ts'
import { greetEarly } from './greeting.ts'
import { Cluster, type ClusterOptions, Redis } from './ioredis.ts'
import { askSlotsEarly, clusterOptions, sentinelParts } from './many-servers.ts'
import type { Place } from './place.ts'
import { isReadonly, WRONG_DATABASE } from './trouble.ts'

export type Client = Redis | Cluster

/** The options of ioredis for one connection, alone or to a node of a cluster. */
type Settings = Omit<NonNullable<ClusterOptions['redisOptions']>, 'replyMapping'>

function credentials({ username, password, db }: Place, tls: ConnectionOptions | undefined): Settings {
  return {
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(tls && { tls }),
    ...(db > 0 && { db }),
  }
}

/** How many ms to wait before the given attempt to connect. */
export function backoff(attempt: number): number {
  return jitter(Math.min(20 * attempt, 250))
}

/**
 * The client for commands, or with `block` (ms) the one that waits for so long in one command.
 *
 * @param tls the options of TLS; undefined: none
 * @param timeout of one command that does not wait, in ms
 */
export function makeClient(place: Place, tls: ConnectionOptions | undefined, timeout: number, block?: number): Client {
  const silence = Math.ceil(timeout * 0.4)
  const limits: Settings =
    block === undefined
      ? { socketTimeout: silence, maxRetriesPerRequest: 2, reconnectOnError: isReadonly }
      : // Do not wait for the end of a connection whose packets are dropped.
        { socketTimeout: block + timeout, maxRetriesPerRequest: 0, disconnectTimeout: 100 }
  const options: Settings = {
    ...credentials(place, tls),
    keepAlive: 30_000,
    disableClientInfo: true,
    // The greeting says what it would ask for, and commands to a server that loads its data are sent again.
    enableReadyCheck: false,
    connectTimeout: silence,
    ...limits,
  }
  const { nodes, socket, sentinel } = place
  if (place.cluster) {
    const retryDelay = block === undefined ? 100 : 0
    const client = new Cluster(nodes, clusterOptions({ backoff, retryDelay, redisOptions: options }))
    const greet = (connection: Redis) => greetEarly(connection, client)
    return client.on('+node', (node: Redis) => {
      greet(node)
      askSlotsEarly(node, greet)
    })
  }
  const watched = sentinel && sentinelParts({ nodes, watched: sentinel, backoff, options })
  const at = watched?.options ?? (socket === undefined ? nodes[0] : { path: socket })
  const client = new Redis({ ...at, ...options, lazyConnect: true, retryStrategy: backoff })
  watched?.explain(client)
  greetEarly(client, client)
  return client
}

/**
 * Attends to what a client reports without being asked. Returns the end of that.
 *
 * @param trouble receives the reason why a connection failed, and undefined when there is one again
 */
export function watchClient(client: Client, trouble: (error: Error | undefined) => void): () => void {
  // Each command rejects by itself; an `error` event without a listener would end the process.
  let usable = true
  const connected = () => {
    usable = true
  }
  const failed = (error: Error) => {
    trouble(error)
    // The library would go on with database 0.
    if (!WRONG_DATABASE.test(error.message)) return
    usable = false
    client.disconnect(true)
  }
  const ready = () => {
    if (usable) trouble(undefined)
  }
  client.on('connect', connected).on('error', failed).on('ready', ready)
  return () => void client.off('connect', connected).off('error', failed).off('ready', ready)
}
