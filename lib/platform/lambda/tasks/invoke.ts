/** Lambda's Invoke API, as far as a function uses it that invokes itself. */
import { systemClock } from '../../../base/clock.ts'
import { signed } from './sign.ts'

/** How long the API may take to accept an event, in ms. */
const PATIENCE = 3_000
const ATTEMPTS = 2

/** The function that runs here, as the environment of Lambda describes it. */
export interface OwnFunction {
  name: string
  /** The alias or version through which it was invoked. Undefined: none, which means the newest. */
  qualifier: string | undefined
}

type Environment = Readonly<Record<string, string | undefined>>

/** Where the API is: dual-stack, since a function in a private network has a way out for IPv6 alone. Exported for tests. */
export function endpointOf(env: Environment): string {
  // The variables that every SDK of AWS reads, such as for the endpoint of an interface in a network.
  const given = env.AWS_ENDPOINT_URL_LAMBDA ?? env.AWS_ENDPOINT_URL
  if (given) return given.replace(/\/$/, '')
  const region = env.AWS_REGION ?? ''
  if (region.startsWith('cn-')) return `https://lambda.${region}.api.amazonwebservices.com.cn`
  if (region.startsWith('eusc-')) return `https://lambda.${region}.api.amazonwebservices.eu`
  return `https://lambda.${region}.api.aws`
}

/** Lambda has not accepted an event. */
class NotInvoked extends Error {
  override readonly name = 'NotInvoked'
}

/**
 * Has Lambda invoke the function with `event` later, at least once. Without a trace header: Lambda would count such invocations as a
 * loop, and stop a task with many legs.
 *
 * @throws NotInvoked where Lambda has not accepted the event
 */
export async function invokeLater(own: OwnFunction, event: object, env: Environment): Promise<void> {
  const qualifier = own.qualifier === undefined ? '' : `?Qualifier=${encodeURIComponent(own.qualifier)}`
  const path = `/2015-03-31/functions/${encodeURIComponent(own.name)}/invocations${qualifier}`
  const url = new URL(endpointOf(env) + path)
  const request = {
    method: 'POST',
    url,
    headers: { 'content-type': 'application/json', 'x-amz-invocation-type': 'Event' },
    body: JSON.stringify(event),
  }
  const signer = {
    credentials: {
      accessKeyId: env.AWS_ACCESS_KEY_ID ?? '',
      secretAccessKey: env.AWS_SECRET_ACCESS_KEY ?? '',
      sessionToken: env.AWS_SESSION_TOKEN || undefined,
    },
    region: env.AWS_REGION ?? '',
    service: 'lambda',
  }
  for (let attempt = 1; ; attempt++) {
    try {
      // The environment sleeps between invocations, and a connection that is kept may be dead then.
      const headers = { ...signed(request, signer, systemClock.wall()), connection: 'close' }
      return await send(url, { method: 'POST', headers, body: request.body })
    } catch (error) {
      if (attempt === ATTEMPTS || error instanceof NotInvoked) throw error
    }
  }
}

/** @throws NotInvoked where another attempt would not help; any error where it might */
async function send(url: URL, request: RequestInit): Promise<void> {
  const response = await fetch(url, { ...request, redirect: 'error', signal: AbortSignal.timeout(PATIENCE) })
  const text = await response.text()
  if (response.status === 202) return
  const reason = `Lambda's Invoke API answered ${response.status}: ${text.slice(0, 300)}`
  if (response.status === 429 || response.status >= 500) throw new Error(reason)
  const cure = response.status === 403 ? ' The role of the function needs lambda:InvokeFunction for itself.' : ''
  throw new NotInvoked(reason + cure)
}
