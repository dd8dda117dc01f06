/** Types for the parts of oidc-provider that the tests use: the package has none. */
declare module 'oidc-provider' {
  import type { EventEmitter } from 'node:events'
  import type { IncomingMessage, ServerResponse } from 'node:http'

  export interface Grant {
    addOIDCScope(scope: string): void
    addResourceScope(resource: string, scope: string): void
    save(): Promise<string>
  }

  export interface OidcContext {
    oidc: {
      session: { accountId: string; grantIdFor(clientId: string): string | undefined }
      client: { clientId: string }
    }
  }

  export class Provider extends EventEmitter {
    constructor(issuer: string, configuration: object)
    readonly Grant: {
      new (init: { clientId: string; accountId: string }): Grant
      find(id: string): Promise<Grant | undefined>
    }
    callback(): (req: IncomingMessage, res: ServerResponse) => void
    interactionFinished(req: IncomingMessage, res: ServerResponse, result: object): Promise<void>
  }

  export default Provider
}
