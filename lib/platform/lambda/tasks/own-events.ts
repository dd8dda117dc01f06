/** The function invokes itself for the next leg of a task. This is loaded where `TASK_EXECUTOR=lambda`. */
import { type Executor, type RunTask, readWake } from '../../../tasks/executor.ts'
import { invokeLater, type OwnFunction } from './invoke.ts'

/** Events that the function sends to itself. They need no other authentication: nothing else may invoke it with them. */
export interface OwnEvents {
  /** `arn`: what was invoked, a version or an alias. */
  invoked(arn: string | undefined): void
  /** Does what the event asks for; undefined where it is none of its own. Where it rejects, Lambda delivers the event again. */
  accept(event: unknown, deadline: number): Promise<void> | undefined
}

type Environment = Readonly<Record<string, string | undefined>>

export class SelfInvocation implements Executor, OwnEvents {
  readonly #env: Environment
  readonly #own: OwnFunction
  #run: RunTask | undefined

  constructor(env: Environment) {
    this.#env = env
    this.#own = { name: env.AWS_LAMBDA_FUNCTION_NAME ?? '', qualifier: undefined }
  }

  /** `run`: of the endpoint that has this executor. */
  serve(run: RunTask): void {
    this.#run = run
  }

  /** An event has no delay: the invocation waits for what is left of it. */
  async enqueue({ task, leg }: { task: string; leg: number }): Promise<void> {
    await invokeLater(this.#own, { task, leg }, this.#env)
  }

  invoked(arn: string | undefined): void {
    // arn:aws:lambda:<region>:<account>:function:<name>:<qualifier>
    this.#own.qualifier = arn?.split(':')[7]
  }

  accept(event: unknown, deadline: number): Promise<void> | undefined {
    const wake = readWake(event)
    // Another run has the lease: this event is a second one, and the lease of a run that died is over at the next attempt.
    return wake && this.#run?.(wake, { deadline }).then(() => {})
  }
}
