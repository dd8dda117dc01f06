/** The authenticator, imported for the first token: an endpoint without authorization never loads it. */
import type { Clock } from '../base/clock.ts'
import type { Authenticator } from './authenticator.ts'
import type { Identity } from './claims.ts'
import type { IssuerMetadata } from './discovery.ts'
import { type AuthOptions, checkAuthOptions } from './options.ts'

export class AuthenticatorOnDemand
  implements Pick<Authenticator, 'options' | 'scopes' | 'metadataOf' | 'authenticate' | 'wasValid'>
{
  readonly options: AuthOptions
  readonly #make: () => Promise<Authenticator>
  #making: Promise<Authenticator> | undefined
  #made: Authenticator | undefined

  /**
   * Parameters as of {@link Authenticator}.
   * @throws TypeError for options that cannot be used
   */
  constructor(options: AuthOptions, known: ReadonlySet<string>, resources: readonly string[], clock: Clock) {
    checkAuthOptions(options)
    this.options = options
    this.#make = async () => {
      const { Authenticator } = await import('./authenticator.ts')
      this.#made = new Authenticator(options, known, resources, clock)
      return this.#made
    }
  }

  #authenticator(): Promise<Authenticator> {
    this.#making ??= this.#make()
    return this.#making
  }

  get scopes(): readonly string[] {
    return this.options.scopes ?? []
  }

  async metadataOf(issuer: string): Promise<IssuerMetadata> {
    return (await this.#authenticator()).metadataOf(issuer)
  }

  authenticate(authorization: string | undefined): Identity | Promise<Identity> {
    if (this.#made) return this.#made.authenticate(authorization)
    return this.#authenticator().then((authenticator) => authenticator.authenticate(authorization))
  }

  wasValid(authorization: string | undefined): boolean {
    return this.#made?.wasValid(authorization) ?? false
  }
}
