/** What every store must do. Each store's test file calls this with a way to open one. */
import { describe } from 'vitest'
import { askContract } from './contract/asks.ts'
import { busContract } from './contract/bus.ts'
import { callContract } from './contract/calls.ts'
import { changeContract } from './contract/changes.ts'
import { endingContract } from './contract/endings.ts'
import { limitContract } from './contract/limits.ts'
import { logContract } from './contract/logs.ts'
import { sessionContract } from './contract/sessions.ts'
import { streamContract } from './contract/streams.ts'
import type { OpenStore } from './contract/support.ts'
import { valueContract } from './contract/values.ts'

export function storeContract(name: string, open: OpenStore): void {
  describe(`${name} keeps the contract`, () => {
    sessionContract(open)
    callContract(open)
    endingContract(open)
    streamContract(open)
    logContract(open)
    askContract(open)
    changeContract(open)
    busContract(open)
    valueContract(open)
    limitContract(open)
  })
}
