/** The authenticator, loaded with the first token: an endpoint that asks for none never reads it. */
import type { Clock } from '../base/clock.ts'
import type { Authenticator } from './authenticator.ts'
import type { Admitted } from './claims.ts'
import type { IssuerMetadata } from './discovery.ts'
import type { AuthOptions } from './options.ts'
import { checkAuthOptions } from './options.ts'

/** What the endpoint needs of an authenticator. */
export type Admission = Pick<Authenticator, 'options' | 'scopes' | 'metadataOf' | 'admit' | 'knows'>

export class AuthenticatorOnDemand implements Admission {
  readonly options: AuthOptions
  readonly #make: () => Promise<Authenticator>
  #making: Promise<Authenticator> | undefined
  #made: Authenticator | undefined

  /**
   * As the authenticator itself.
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

  admit(authorization: string | undefined): Admitted | Promise<Admitted> {
    if (this.#made) return this.#made.admit(authorization)
    return this.#authenticator().then((authenticator) => authenticator.admit(authorization))
  }

  knows(authorization: string | undefined): boolean {
    return this.#made?.knows(authorization) ?? false
  }
}
