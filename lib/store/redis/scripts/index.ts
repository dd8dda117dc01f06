/** All scripts, as the client takes them: by the name of the method that it gets for each. */
import * as bus from './bus.ts'
import * as calls from './calls.ts'
import * as limits from './limits.ts'
import type { Script } from './script.ts'
import * as sessions from './sessions.ts'
import * as streams from './streams.ts'

const all: Script[] = [
  ...Object.values(sessions),
  ...Object.values(calls),
  ...Object.values(streams),
  ...Object.values(bus),
  ...Object.values(limits),
]

export const scripts = Object.fromEntries(all.map(({ name, keys, lua }) => [name, { numberOfKeys: keys, lua }]))
