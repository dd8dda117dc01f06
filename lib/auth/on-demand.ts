/** The authenticator, imported for the first token: an endpoint without authorization never loads it. */
import type { Clock } from '../base/clock.ts'
import { OnDemand } from '../base/on-demand.ts'
import type { Authenticator } from './authenticator.ts'
import { checkAuthOptions } from './check.ts'
import { type ResourceFacts, ResourceMetadata } from './metadata.ts'
import type { MiddlewareCheck, middlewareCheck } from './middleware.ts'
import type { AuthOptions } from './options.ts'
import { AuthRefusal } from './refusal.ts'
import type { Report } from './remote.ts'

/** The check of callers. */
export interface CallerCheck extends Pick<Authenticator, 'scopes' | 'authenticate' | 'wasValid'> {
  /** As {@link ResourceMetadata.urlFor}. */
  metadataUrl(path: string, prefix: string): string | undefined
}

/** The check of tokens, and the metadata that clients without a token need. */
export interface Authorization extends CallerCheck, Pick<Authenticator, 'metadataOf'> {
  readonly metadata: ResourceMetadata
}

/** Lets in callers only that a middleware has checked: a request that none has seen is refused. */
export const middlewareOnly: CallerCheck = {
  scopes: [],
  authenticate() {
    throw new AuthRefusal(
      'missing',
      'This endpoint takes requests only whose caller a middleware of the app has checked.',
    )
  },
  wasValid: () => false,
  metadataUrl: () => undefined,
}

/** As `middlewareCheck`, which is loaded with the first caller that a middleware has checked. */
export function checkOfMiddleware(...given: Parameters<typeof middlewareCheck>): OnDemand<MiddlewareCheck> {
  return new OnDemand(() => import('./middleware.ts').then(({ middlewareCheck }) => middlewareCheck(...given)))
}

/** @throws TypeError for options that cannot be used */
export function authorization(options: AuthOptions, facts: ResourceFacts, clock: Clock, report: Report): Authorization {
  checkAuthOptions(options)
  const metadata = new ResourceMetadata(options, facts)
  let made: Authenticator | undefined
  let making: Promise<Authenticator> | undefined
  const make = async () => {
    const { Authenticator } = await import('./authenticator.ts')
    made = new Authenticator(options, facts.scopes, metadata.resources, clock, report)
    return made
  }
  const authenticator = () => {
    making ??= make()
    return making
  }
  return {
    metadata,
    metadataUrl: (path, prefix) => metadata.urlFor(path, prefix),
    scopes: options.scopes ?? [],
    metadataOf: async (issuer) => (await authenticator()).metadataOf(issuer),
    authenticate: (header) => made?.authenticate(header) ?? authenticator().then((it) => it.authenticate(header)),
    wasValid: (authorization) => made?.wasValid(authorization) ?? false,
  }
}
