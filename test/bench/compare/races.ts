/** A tool call, by this package and by others: one chart for readers who compare. */
import { RAW, RAW_REDIS, type Race, type Variant } from '../throughput.ts'

export interface Compared extends Variant {
  /** How its package is used. */
  use: string
  /** What it has in common with the servers that are shown beside it. */
  group: string
  /** This package, or a server in it. */
  own?: true
}

export interface Comparison extends Race {
  reference: Variant
  others: Compared[]
}

const STATELESS = { BENCH_STATELESS: '1' }
const ENDPOINT = { BENCH_ENDPOINT: '1' }

const SHARED = 'sessions in Redis, for any instance'
const LOCAL = 'sessions in the memory of one process'
const NEWEST = 'revision 2026-07-28'
const OLDER = 'older revisions'

/** A call in a session that was opened before. The newest revision with sessions that the server has. */
const SESSIONS: Comparison = {
  workload: 'session',
  name: 'sessions',
  title: 'Tool call in a session',
  reference: RAW_REDIS,
  goals: [],
  others: [
    {
      name: 'mcp-anywhere',
      use: 'its own server',
      server: 'ours',
      redis: true,
      group: SHARED,
      own: true,
    },
    {
      name: 'official SDK 2.x in mcp-anywhere',
      use: 'the server as it is, in `createEndpoint`',
      server: 'sdk2',
      redis: true,
      env: ENDPOINT,
      group: SHARED,
      own: true,
    },
    {
      name: 'official SDK 1.x in mcp-anywhere',
      use: 'the server as it is, in `createEndpoint`',
      server: 'sdk1',
      redis: true,
      env: ENDPOINT,
      group: SHARED,
      own: true,
    },
    {
      name: 'tmcp',
      use: 'with `@tmcp/session-manager-redis`',
      server: 'tmcp',
      redis: true,
      group: SHARED,
    },
    {
      name: 'mcp-lite',
      use: 'with `InMemorySessionAdapter`',
      server: 'mcp-lite',
      revision: '2025-06-18',
      group: LOCAL,
    },
    { name: 'official SDK 2.x', use: 'a transport for each session', server: 'sdk2', group: LOCAL },
    { name: 'official SDK 1.x', use: 'a transport for each session', server: 'sdk1', group: LOCAL },
    { name: 'FastMCP', use: '`httpStream`, JSON responses', server: 'fastmcp', group: LOCAL },
  ],
}

/** A call of 2026-07-28, or of an older revision without a session where the server does not have the newest. */
const STATELESS_CALLS: Comparison = {
  workload: 'stateless',
  name: 'stateless calls',
  title: 'Tool call without a session',
  reference: RAW,
  goals: [],
  others: [
    {
      name: 'mcp-anywhere',
      use: 'its own server',
      server: 'ours',
      redis: true,
      group: NEWEST,
      own: true,
    },
    {
      name: 'official SDK 2.x in mcp-anywhere',
      use: 'the server as it is, in `createEndpoint`',
      server: 'sdk2',
      redis: true,
      env: ENDPOINT,
      group: NEWEST,
      own: true,
    },
    {
      name: 'official SDK 1.x in mcp-anywhere',
      use: 'the server as it is, in `createEndpoint`',
      server: 'sdk1',
      redis: true,
      env: ENDPOINT,
      group: NEWEST,
      own: true,
    },
    {
      name: 'mcp-lite',
      use: 'without adapters',
      server: 'mcp-lite',
      env: STATELESS,
      revision: '2025-06-18',
      workload: 'sessionless',
      group: OLDER,
    },
    {
      name: 'tmcp',
      use: 'with `@tmcp/session-manager-redis`',
      server: 'tmcp',
      redis: true,
      group: NEWEST,
    },
    { name: 'mcp-handler', use: '`createMcpHandler`', server: 'mcp-handler', group: NEWEST },
    {
      name: 'official SDK 2.x',
      use: '`createMcpHandler`',
      server: 'sdk2',
      env: STATELESS,
      group: NEWEST,
    },
    {
      name: 'official SDK 1.x',
      use: 'a server and a transport for each request',
      server: 'sdk1',
      env: STATELESS,
      workload: 'sessionless',
      group: OLDER,
    },
    {
      name: 'FastMCP',
      use: '`stateless`, JSON responses',
      server: 'fastmcp',
      env: STATELESS,
      workload: 'sessionless',
      group: OLDER,
    },
  ],
}

export const COMPARISONS: readonly Comparison[] = [SESSIONS, STATELESS_CALLS]
