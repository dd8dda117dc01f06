/** All scripts, as the client takes them: by the name of the method that it gets for each. */
import * as asks from './asks.ts'
import * as bus from './bus.ts'
import * as calls from './calls.ts'
import * as quota from './quota.ts'
import type { Script } from './script.ts'
import * as server from './server.ts'
import * as sessions from './sessions.ts'
import * as streams from './streams.ts'
import * as values from './values.ts'

const groups = [asks, bus, calls, quota, server, sessions, streams, values]
const all = groups.flatMap((group): Script<never, unknown>[] => Object.values(group))

export const scripts = Object.fromEntries(all.map(({ name, numberOfKeys, lua }) => [name, { numberOfKeys, lua }]))
