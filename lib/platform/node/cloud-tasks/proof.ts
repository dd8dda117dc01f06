/**
 * Proofs that an instance of this service has asked for a leg. Cloud Run takes the signature out of a token that it has checked itself,
 * as it does where the service is closed, so that nobody behind it can check the token of Cloud Tasks again.
 */
import { createSealer } from '../../../base/sealing.ts'
import { readWake, type Wake } from '../../../tasks/executor.ts'

/** The header that has the proof. */
export const PROOF = 'Mcp-Leg'

export interface Proofs {
  of(wake: Wake): string
  /** The leg that it is about; undefined: no instance made it. */
  open(proof: string): Wake | undefined
}

/** @param keys of all instances */
export function proofsBy(keys: readonly Uint8Array[]): Proofs {
  const sealer = createSealer(keys, 'cloud-tasks')
  return {
    of: ({ task, leg }) => sealer.seal(JSON.stringify({ task, leg }), PROOF),
    open: (proof) => {
      const text = sealer.open(proof, PROOF)
      return text === undefined ? undefined : readWake(JSON.parse(text))
    },
  }
}
