/**
 * The legs of tasks in a queue of BullMQ, for deployments with workers. The endpoint puts a job into the queue for each leg, and a
 * worker runs it. A job has the name of a record and a number: nothing of the call, and nothing of its caller.
 */
import { type JobsOptions, Queue, Worker } from 'bullmq'
import type { Endpoint, Executor, Wake } from 'mcp-anywhere'

const NAME = 'mcp-legs'

/** A leg whose worker was lost is tried again when its lease, 30 s, is over. Without the queue, the client's next poll does the same. */
const JOB: JobsOptions = {
  attempts: 5,
  backoff: { type: 'fixed', delay: 10_000 },
  removeOnComplete: true,
  removeOnFail: 1_000,
}

/** For `createEndpoint`, in the instances that clients call and in the workers. */
export function bullExecutor(url: string): { executor: Executor; close(): Promise<void> } {
  const queue = new Queue<Wake>(NAME, { connection: { url } })
  return {
    executor: {
      async enqueue(wake, delay) {
        await queue.add('leg', wake, { ...JOB, delay })
      },
    },
    close: () => queue.close(),
  }
}

/** Runs the legs of the queue by `endpoint`, `concurrency` at once. */
export function runLegs(endpoint: Endpoint, url: string, concurrency: number): Worker<Wake> {
  const work = async ({ data }: { data: Wake }) => {
    const outcome = await endpoint.runTask(data)
    if (outcome === 'held') throw new Error('Another run has the lease of this leg.')
  }
  return new Worker<Wake>(NAME, work, { connection: { url, maxRetriesPerRequest: null }, concurrency })
}
