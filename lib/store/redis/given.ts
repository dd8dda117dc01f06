/** What an author gives for Redis. These types name neither the Redis client nor modules of Node: a project may have the types of neither. */

/** PEM, base64 of PEM, or the path of a file with PEM. */
export type Pem = string | Uint8Array

export interface RedisTls {
  /** Authorities that may have signed the certificate of Redis, in place of those that Node knows. */
  ca?: Pem | undefined
  /** The certificate by which Redis recognises this client, with those between it and its authority. */
  cert?: Pem | undefined
  /** The key of {@link cert}. */
  key?: Pem | undefined
  /** The passphrase of {@link key}. */
  passphrase?: string | undefined
  /** The name in the certificate of Redis, where it is another one than the host of the address. */
  servername?: string | undefined
  /** Accepts every certificate: whoever is between this process and Redis can read and change everything. */
  insecure?: boolean | undefined
}

/** What the store uses of a `Redis` or a `Cluster` of ioredis, whichever copy of the package it is from. */
export interface ReadyClient {
  readonly isCluster: boolean
  readonly status: string
  options: object
  duplicate(...given: never[]): unknown
  defineCommand(...given: never[]): unknown
  disconnect(reconnect?: boolean): void
}

export interface SourceOptions {
  /**
   * `redis://user:password@host:port/database`, `rediss://` with TLS, `redis+cluster://`, `redis+sentinel://` or `unix:///path`;
   * `valkey` means the same as `redis`. docs/deploy.md has every form.
   */
  url?: string | undefined
  /** Addresses of some nodes of a cluster, in place of `url`; one is enough. */
  cluster?: string[] | undefined
  /**
   * A `Redis` or a `Cluster` of ioredis, in place of an address. Commands go through it, reads that wait through a duplicate. It
   * stays open when the store is closed. Its own limits of time hold: give it a `socketTimeout`.
   */
  client?: ReadyClient | undefined
  /** Own authorities and the certificate of this client. */
  tls?: RedisTls | undefined
}
