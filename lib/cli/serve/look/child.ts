/** The process that runs a program for a look: it reports how the program speaks to its client, and serves nobody. */
import { clientState, lowLevelOf } from '../../../sdk/private.ts'
import type { Captured } from '../hook/capture.ts'
import { installHook } from '../hook/install.ts'
import type { SdkCopy } from '../hook/sdk-files.ts'
import { runProgram, settled } from '../run-program.ts'
import type { Found } from './messages.ts'

const [file = '', ...args] = process.argv.slice(2)

const send = process.send?.bind(process)
// A program must not take its parent for one that speaks to it.
Reflect.deleteProperty(process, 'send')
process.on('disconnect', () => process.exit())
process.channel?.unref()

let loaded: SdkCopy | undefined
let isReported = false

function report(found: Found): void {
  if (isReported) return
  // A program that has loaded the SDK may connect a server later.
  isReported = found.kind !== 'reader' || found.sdk === undefined
  send?.(found)
}

async function reportCaptured(captured: Captured): Promise<void> {
  const { sdk, custom } = captured
  if (captured.kind === 'factory') return report({ kind: 'factory', sdk, custom })
  await settled()
  const low = lowLevelOf(captured.server)
  report({ kind: 'server', sdk, state: low && clientState(low), custom })
}

async function reportReader(): Promise<void> {
  await settled()
  report({ kind: 'reader', sdk: loaded })
}

installHook({
  loaded(sdk) {
    loaded = sdk
  },
  captured: (captured) => void reportCaptured(captured),
  usedAlone: (sdk) => report({ kind: 'alone', sdk }),
})
process.stdin.on('newListener', (event) => {
  if (event === 'data' || event === 'readable') void reportReader()
})
runProgram({ file, args })
