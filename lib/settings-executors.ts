/** The settings of those who run the legs of tasks, as those of `settings.ts`. They are apart, since few endpoints have them. */

import { type Group, rows, type Values } from './base/setting.ts'

const choice = rows('choice')
const text = rows('text')

export const EXECUTOR_SETTINGS = {
  /** The legs of tasks that no request runs ([durable.md](durable.md)). */
  executor: {
    /**
     * `process`: the instance runs them itself, for as long as the platform lets it. `lambda`: the function invokes itself, which
     * needs `tasks: true` in its stage. `cloud-tasks`: Google Cloud Tasks sends a request for each leg, which needs the three
     * variables below. With each of them the next poll of the client goes on with a task that nobody runs.
     */
    kind: choice('process', 'TASK_EXECUTOR', { values: ['process', 'lambda', 'cloud-tasks'] }),
    /** The queue of Cloud Tasks: `projects/<project>/locations/<location>/queues/<queue>`. */
    queue: text(undefined, 'CLOUD_TASKS_QUEUE'),
    /** The address to which Cloud Tasks sends its requests: the origin of the service, such as `https://mcp-abc.run.app`. */
    url: text(undefined, 'CLOUD_TASKS_URL'),
    /** The e-mail address of the service account in whose name Cloud Tasks sends them. Requests of others are refused. */
    account: text(undefined, 'CLOUD_TASKS_ACCOUNT'),
  },
} as const satisfies Record<string, Group>

export type ExecutorSettings = Values<typeof EXECUTOR_SETTINGS.executor>
