/** The memory that clients may make this instance use: one half for requests, one half for output that waits. */
import { ByteBudget, HeldBytes } from '../base/byte-budget.ts'
import { quarterOfHeap } from '../base/heap.ts'
import { WaitingOutput } from './waiting-output.ts'

export class Memory {
  /** Bodies that arrive, requests that are kept while their calls run, and what streams keep of their requests. */
  readonly requests: ByteBudget
  readonly output: WaitingOutput

  /** @param max bytes */
  constructor(max = quarterOfHeap()) {
    this.requests = new ByteBudget(max / 2)
    this.output = new WaitingOutput(max / 2)
  }

  /** Begins to count what a request of a client takes. */
  hold(client: string | undefined): HeldBytes {
    return new HeldBytes(this.requests, client)
  }
}
