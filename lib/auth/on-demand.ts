/** The authenticator, imported for the first token: an endpoint without authorization never loads it. */
import type { Clock } from '../base/clock.ts'
import type { Authenticator } from './authenticator.ts'
import { type ResourceFacts, ResourceMetadata } from './metadata.ts'
import { type AuthOptions, checkAuthOptions } from './options.ts'
import type { Report } from './remote.ts'

/** The check of tokens, and the metadata that clients without a token need. */
export interface Authorization extends Pick<Authenticator, 'scopes' | 'metadataOf' | 'authenticate' | 'wasValid'> {
  readonly metadata: ResourceMetadata
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
    scopes: options.scopes ?? [],
    metadataOf: async (issuer) => (await authenticator()).metadataOf(issuer),
    authenticate: (header) => made?.authenticate(header) ?? authenticator().then((it) => it.authenticate(header)),
    wasValid: (authorization) => made?.wasValid(authorization) ?? false,
  }
}
