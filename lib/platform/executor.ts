/** The choice of who runs the legs of tasks that no request runs. It is loaded where `TASK_EXECUTOR` is set. */
import { defaultsOf } from '../settings.ts'
import { EXECUTOR_SETTINGS, type ExecutorSettings } from '../settings-executors.ts'
import { BadSetting, type Environment, readGroup } from './environment.ts'

/**
 * Exported for tests.
 * @throws BadSetting with one line
 */
export function readExecutor(env: Environment): ExecutorSettings {
  const settings = { ...defaultsOf(EXECUTOR_SETTINGS.executor), ...readGroup(env, EXECUTOR_SETTINGS.executor) }
  const { kind, queue, url, account } = settings
  const onLambda = env.AWS_LAMBDA_FUNCTION_NAME !== undefined
  if (kind === 'lambda' && !onLambda) {
    throw new BadSetting('TASK_EXECUTOR is lambda, and this is no function of AWS Lambda. Remove it, or set process.')
  }
  if (kind !== 'cloud-tasks') return settings
  if (onLambda) throw new BadSetting('TASK_EXECUTOR is cloud-tasks, and this is a function of AWS Lambda. Set lambda.')
  if (!/^projects\/[\w:.-]+\/locations\/[\w-]+\/queues\/[\w-]+$/.test(queue ?? '')) {
    throw new BadSetting(`CLOUD_TASKS_QUEUE must be projects/…/locations/…/queues/…, not "${queue ?? ''}".`)
  }
  if (!isHttps(url)) throw new BadSetting(`CLOUD_TASKS_URL must be an https URL without a query, not "${url ?? ''}".`)
  if (!/^[^@\s]+@[^@\s]+$/.test(account ?? '')) {
    throw new BadSetting(`CLOUD_TASKS_ACCOUNT must be the address of a service account, not "${account ?? ''}".`)
  }
  return settings
}

function isHttps(text: string | undefined): boolean {
  const url = URL.parse(text ?? '')
  return url?.protocol === 'https:' && url.search === '' && url.hash === '' && url.username === ''
}

/** {@link readExecutor} for a process: a bad value stops the start with its one line. */
export function executorOrStop(env: Environment): ExecutorSettings {
  try {
    return readExecutor(env)
  } catch (error) {
    if (!(error instanceof BadSetting)) throw error
    console.error(error.message)
    process.exit(1)
  }
}
