/**
 * The Redis client. A bundler that writes one ES module leaves the `require('events')` of a CommonJS package as a call, which
 * fails there; between the two files beside this import it finds Node's modules.
 */
import './require/begin.ts'

export { Cluster, type ClusterOptions, Command, Redis, ReplyError } from 'ioredis'

import './require/end.ts'
