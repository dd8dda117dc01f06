/** The messages between `dev` and its instances, beside those of the store. */
import type { ShownInstance } from '../../page/options.ts'
import type { Change } from '../../store/bus.ts'

/** The lists that a server has. */
export type List = Exclude<Change['kind'], 'updated'>

/** What an instance is started with, as JSON in its first argument. */
export interface Start {
  /** The Unix socket (on Windows: the named pipe) to listen on. */
  socket: string
  /** The number of the instance, from 1 on. */
  number: number
  /** Redis is the one that `dev` started: no other server can use it. */
  ownRedis: boolean
  /** Where the inspector listens: `port` or `host:port`. */
  inspect: string | undefined
}

/** A request that a security setting refused, or one of a session that is gone. */
export interface Refused {
  status: number
  /** The reason, as the client gets it. */
  reason: string
}

/** From an instance. */
export type Report =
  /** It listens. `lists`: those that its server has. */
  | { dev: 'ready'; name: string; lists: List[] }
  /** It takes no more requests, and ends. */
  | { dev: 'leaving' }
  /** What {@link Order} asked for is done. */
  | { dev: 'done' }
  /** The page ends the instance of this number. */
  | { dev: 'kill'; number: number }
  /** Each reason once. */
  | { dev: 'refused'; refused: Refused }

/** The instances that there are, for the page: sent to each of them when that changes, and not answered. */
export interface Roll {
  dev: 'roll'
  /** The token with which the page ends instances. Arguments of a process are no place for it: every user can list them. */
  killToken: string
  instances: ShownInstance[]
}

/** To an instance. Each is answered with `done`. */
export type Order =
  /** Announces to the clients of all sessions that these lists have changed. */
  | { dev: 'announce'; lists: List[] }
  /** Opens the inspector where it was, or closes it, so that the next version can have its port. */
  | { dev: 'inspect'; open: boolean }

export function isOfDev(message: unknown): message is Report | Order | Roll {
  return typeof message === 'object' && message !== null && 'dev' in message
}
