/**
 * The table of all settings. A row has the default of its option and, where the environment can set it, the variable
 * and the values that it may have. The comment of a row is its text in docs/settings.md: `npm run settings` writes it.
 */

import { type Group, MIB, MINUTE, rows, SECOND, SHORTEST, type Values } from './base/setting.ts'
import { CALL_SETTINGS } from './settings-calls.ts'

const duration = rows('duration')
const count = rows('count')
const flag = rows('flag')
const rate = rows('rate')
const text = rows('text')
const choice = rows('choice')
const list = rows('list')
const keys = rows('keys')

export const SETTINGS = {
  /** Settings of the process. */
  platform: {
    /** The port to listen on. 0: any free port. */
    port: count(3000, 'PORT', { to: 65_535 }),
    /** The address to listen on. */
    host: text('127.0.0.1', 'HOST'),
    /**
     * Where sessions are kept: `redis://user:password@host:port/database`, `rediss://` for TLS, `redis+cluster://` for a cluster,
     * `redis+sentinel://` for Sentinels, `unix:///path` for a socket ([deploy.md](deploy.md#redis) has every form). Without it
     * they are kept in the memory of the process, for one instance.
     */
    redisUrl: text(undefined, 'REDIS_URL'),
    /** The authority that signed the certificate of Redis: PEM, base64 of PEM, or a path. Default: the authorities of Node. */
    redisCa: text(undefined, 'REDIS_TLS_CA'),
    /** The certificate by which Redis recognises the process, in the same forms. A file is read again for each connection. */
    redisCert: text(undefined, 'REDIS_TLS_CERT'),
    /** The key of `REDIS_TLS_CERT`, in the same forms. */
    redisKey: text(undefined, 'REDIS_TLS_KEY'),
    /** The passphrase of that key. */
    redisPassphrase: text(undefined, 'REDIS_TLS_KEY_PASSPHRASE'),
    /** The name in the certificate of Redis. Default: the host of the address. */
    redisServername: text(undefined, 'REDIS_TLS_SERVERNAME'),
    /** Accepts every certificate of Redis. For services that have one that nobody can check. */
    redisInsecure: flag(false, 'REDIS_TLS_INSECURE'),
    /** The beginning of every key in Redis. Each server and each stage on one Redis needs its own. */
    redisPrefix: text('mcp', 'REDIS_PREFIX'),
    /** The name that the server had before: for the deployment that renames it, which keeps its sessions and values. */
    redisRenamedFrom: text(undefined, 'REDIS_RENAMED_FROM'),
    /**
     * In how many slots of a cluster the mailboxes of instances are: more of them where hundreds of instances share many changes.
     * The same for all instances, once all run a version that has this setting (see [performance.md](performance.md)).
     */
    redisBusSlots: count(1, 'REDIS_BUS_SLOTS', { from: 1, to: 16_384 }),
    /**
     * Writes a line for each request: JSON, or a readable one on a terminal. Errors are written in any case. Default: 0 where
     * `HOST` is a loopback address and the output no terminal, else 1.
     */
    log: flag(undefined, 'LOG'),
    /**
     * Serves the page for people at `/`, and at the address of the endpoint for a browser (see [page.md](page.md)). Default: 1 where
     * `HOST` is a loopback address, else 0.
     */
    page: flag(undefined, 'PAGE'),
    /** How long a request may take to arrive. */
    requestTimeout: duration(MINUTE, 'REQUEST_SECONDS', { from: SHORTEST }),
    /**
     * How long the process may take to end after SIGTERM, with the lame duck and the drain. Then it exits, with 1 where something
     * was not done. Longer where these are set to more.
     */
    shutdown: duration(9 * SECOND, 'SHUTDOWN_SECONDS', { from: 1, to: 86_400 }),
    /**
     * How long the process serves on after SIGTERM, while load balancers notice that it leaves: `/readyz` is 503, and each
     * response closes its connection. SIGINT, a second signal and development skip it.
     */
    lameDuck: duration(0, 'LAME_DUCK_SECONDS', { to: 86_400 }),
    /** `/readyz` is 503 as long as the store does not answer. Else it is 200, since stateless calls go on. */
    readyNeedsStore: flag(false, 'READY_NEEDS_STORE'),
    /** The port of `/metrics` for Prometheus, and of `/readyz` again, on `HOST`; 0: any free port (see [telemetry.md](telemetry.md)). */
    metricsPort: count(undefined, 'METRICS_PORT', { to: 65_535 }),
    /** What Prometheus sends in `Authorization: Bearer …`. Without `METRICS_PORT`, `/metrics` is on the port of the endpoint. `/readyz?details` takes it, too. */
    metricsToken: text(undefined, 'METRICS_TOKEN'),
    /** On Lambda: the namespace in CloudWatch of metrics, which are lines of the log (EMF). Default: there are none. */
    metricsNamespace: text(undefined, 'METRICS_NAMESPACE'),
    /** From one report of an instance to the next, for `mcp-anywhere instances`; 0: never. On Lambda: never. */
    reportEvery: duration(30 * SECOND, 'INSTANCE_REPORT_SECONDS', { to: 86_400 }),
  },
  /** Options of `createEndpoint` itself. */
  endpoint: {
    /** Where the endpoint answers. */
    path: text('/mcp', 'MCP_PATH'),
    /**
     * The begin of the public address, such as `/tools` for `https://api.example.com/tools/mcp`. Requests are served with it and
     * without it, since some proxies cut it off. Addresses that clients are given have it: that of HTTP+SSE, and that of the
     * metadata of authorization.
     */
    prefix: text(undefined, 'MCP_PREFIX'),
    /**
     * The keys that seal `requestState` and, where they are set, everything in Redis. All instances need the same keys.
     * The first one seals, all of them open. Default: a random key for each process, and Redis holds plain text.
     */
    keys: keys(undefined, 'MCP_SECRET'),
    /**
     * For the time in which sealing is turned on or off (see [security.md](security.md)). `write` writes plain texts and
     * reads both, `read` writes sealed texts and reads both, `refuse` reads sealed texts only.
     */
    unsealed: choice('refuse', 'MCP_UNSEALED', { values: ['refuse', 'read', 'write'] }),
    /**
     * Host names that requests may name, or `*`. Default: loopback names where `HOST` is a loopback address, else any name.
     * There `*` needs authorization: without it, web pages could call this machine (DNS rebinding).
     */
    allowedHosts: list(undefined, 'ALLOWED_HOSTS'),
    /**
     * Origins of web pages that may call, or `*`. Default: where `ALLOWED_HOSTS` applies, pages of the host itself; else
     * none.
     */
    allowedOrigins: list(undefined, 'ALLOWED_ORIGINS'),
    /** Headers that web pages may send beside those of MCP, such as `x-api-key`. */
    allowedHeaders: list(undefined, 'ALLOWED_HEADERS'),
    /**
     * Makes spans and metrics of OpenTelemetry (see [telemetry.md](telemetry.md)). Default: 1 where an SDK has set its providers in
     * the process before the server starts.
     */
    telemetry: flag(undefined, 'TELEMETRY'),
    /** Serves the HTTP+SSE transport of 2024-11-05 too, at `/sse` and `/messages`. */
    legacySse: flag(false, 'LEGACY_SSE'),
    /**
     * For development: replays every durable handler after each of its steps, and compares what it says, asks and returns. `always`
     * writes a warning for each difference, with `strict` the call ends with an error (see [durable.md](durable.md#replay)).
     */
    replay: choice('never', 'REPLAY', { values: ['never', 'always', 'strict'] }),
  },
  /** OAuth: with an issuer, every request needs a bearer token. `AuthOptions` has more options, without variables. */
  auth: {
    /** The authorization server, exactly as its tokens name it (`iss`). Without it no token is asked for. */
    issuer: list(undefined, 'AUTH_ISSUER'),
    /** The public URL of this endpoint, then further audiences that tokens may have. Required with `AUTH_ISSUER`. */
    resource: list(undefined, 'AUTH_AUDIENCE'),
    /** The address of the keys that verify tokens. Default: found through the metadata of the authorization server. */
    jwks: text(undefined, 'AUTH_JWKS'),
    /** Signature algorithms of tokens. Default: RSA, ECDSA and EdDSA. */
    algorithms: list(undefined, 'AUTH_ALGORITHMS'),
    /** Scopes that every request needs. */
    scopes: list(undefined, 'AUTH_SCOPES'),
    /** The claim that tells tenants apart where they share an issuer, such as `org_id`. */
    tenantClaim: text(undefined, 'AUTH_TENANT_CLAIM'),
    /** Accepts addresses of authorization servers without TLS on other machines. For development. */
    insecureHttp: flag(false, 'AUTH_INSECURE_HTTP'),
  },
  /** Opaque tokens (RFC 7662): all three are needed. */
  'auth.introspection': {
    /** The introspection endpoint of the authorization server. */
    url: text(undefined, 'AUTH_INTROSPECTION_URL'),
    /** The client id that this endpoint has there. */
    clientId: text(undefined, 'AUTH_INTROSPECTION_CLIENT_ID'),
    /** Its secret. */
    clientSecret: text(undefined, 'AUTH_INTROSPECTION_CLIENT_SECRET'),
  },
  /** Limits of requests and responses. */
  http: {
    /** Bytes of the body of a request. */
    maxBytes: count(4 * MIB, 'MAX_BODY_BYTES', { from: 1 }),
    /** Levels of objects and arrays in the body of a request. */
    maxDepth: count(64),
    /** Messages in one batch (2025-03-26). */
    maxBatch: count(50),
    /** Bytes that may wait for the reader of a response before `ctx.log` and the like wait; at most 16 times as many may. */
    maxBuffered: count(MIB),
    /** How long a client may read nothing while so many wait, until its connection is closed. */
    readTimeout: duration(MINUTE),
    /**
     * Bytes that clients may make one instance hold: half of them for bodies and the requests of running calls, half for
     * output that waits. One client may take a quarter of the first half. Default: a quarter of the heap of the process.
     */
    maxMemory: count(undefined, 'MAX_MEMORY_BYTES', { from: MIB }),
    /** Serves a request that has lost its session id as one without a session, instead of 400. */
    allowSessionless: flag(false),
    /** Requests of one principal, on all instances. Only with authorization. */
    principalRate: rate({ perSecond: 200, burst: 1_000 }, 'RATE_PER_PRINCIPAL'),
    /**
     * Requests without a valid token (all requests, where no token is asked for) of one public address. Private
     * addresses have no limit: they are proxies or trusted.
     */
    addressRate: rate({ perSecond: 200, burst: 1_000 }, 'RATE_PER_ADDRESS'),
    /** Proxies in front of each instance that add the address of their client to X-Forwarded-For. */
    proxies: count(0, 'TRUSTED_PROXIES'),
  },
  ...CALL_SETTINGS,
} as const satisfies Record<string, Group>

/** Options of sessions. All times are in ms. */
export type SessionOptions = Values<typeof SETTINGS.session>
/** Options of the stateless revision. All times are in ms. */
export type StatelessOptions = Values<typeof SETTINGS.stateless>
/** Options of HTTP. */
export type HttpOptions = Values<typeof SETTINGS.http>

/** Every option of `group` with its default. */
export function defaultsOf<G extends Group>(group: G): Values<G> {
  return Object.fromEntries(Object.entries(group).map(([option, row]) => [option, row.default])) as Values<G>
}
