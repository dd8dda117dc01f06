/** The process that runs a program for a look: it reports how the program connects to its client, and serves nobody. */
import { clientState, lowLevelOf } from '../../../sdk/private.ts'
import type { Captured } from '../hook/capture.ts'
import { installHook } from '../hook/install.ts'
import { runProgram, settled } from '../program/run.ts'
import type { Found } from './messages.ts'

const [file = '', ...args] = process.argv.slice(2)

const send = process.send?.bind(process)
const report = (found: Found) => void send?.(found)
// A program must not take its parent for one that speaks to it.
Reflect.deleteProperty(process, 'send')
process.on('disconnect', () => process.exit())
process.channel?.unref()

async function reportCaptured(captured: Captured): Promise<void> {
  const { sdk, custom } = captured
  if (captured.kind === 'factory') return report({ kind: 'factory', sdk, custom })
  await settled()
  const low = lowLevelOf(captured.server)
  report({ kind: 'server', sdk, state: low && clientState(low), custom })
}

installHook({
  captured: (captured) => void reportCaptured(captured),
  usedAlone: (sdk) => report({ kind: 'alone', sdk }),
})
runProgram({ file, args })
