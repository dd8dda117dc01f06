/** The official client 2.x that finds the authorization server by itself, and a user who signs in there. */
import { Client, type OAuthClientProvider, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { type AuthorizationServer, REDIRECT, REGISTERED_CLIENT } from '../support/authorization-server.ts'

/** What an application keeps of its authorization. */
class Application implements OAuthClientProvider {
  readonly redirectUrl = REDIRECT
  readonly clientMetadata = { client_name: 'test', redirect_uris: [REDIRECT] }
  /** Where the user is sent. */
  page = new URL(REDIRECT)
  #token: { access_token: string; token_type: string } | undefined
  #verifier = ''
  clientInformation = () => ({ client_id: REGISTERED_CLIENT })
  tokens = () => this.#token
  // Without the refresh token, which the client would use first and which brings no further scope.
  saveTokens = ({ access_token, token_type }: { access_token: string; token_type: string }) => {
    this.#token = { access_token, token_type }
  }
  saveCodeVerifier = (verifier: string) => {
    this.#verifier = verifier
  }
  codeVerifier = () => this.#verifier
  redirectToAuthorization = (page: URL) => {
    this.page = page
  }
}

export interface SignedIn {
  tools(): Promise<string[]>
  /** The text of the result. */
  call(name: string, args?: Record<string, unknown>): Promise<string>
  /** Sends the user to the page that the client asked for last, and continues with what comes back. */
  signIn(): Promise<void>
  /** The scopes of that page. */
  scopes(): string[]
  close(): Promise<void>
}

/** Connects to an endpoint of which only the address is known. */
export async function connectSignedIn(url: URL, server: AuthorizationServer): Promise<SignedIn> {
  const application = new Application()
  let transport = new StreamableHTTPClientTransport(url, { authProvider: application })
  const signIn = async () => {
    const { code = '', iss } = Object.fromEntries((await server.authorize(application.page)).searchParams)
    await transport.finishAuth(code, iss)
  }
  const connect = async () => {
    const client = new Client({ name: 'official', version: '1.0.0' })
    await client.connect(transport)
    return client
  }
  const client = await connect().catch(async () => {
    await signIn()
    transport = new StreamableHTTPClientTransport(url, { authProvider: application })
    return connect()
  })
  return {
    tools: async () => (await client.listTools()).tools.map(({ name }) => name),
    call: async (name, args = {}) => {
      const [first] = (await client.callTool({ name, arguments: args })).content
      return first?.type === 'text' ? first.text : ''
    },
    signIn,
    scopes: () => application.page.searchParams.get('scope')?.split(' ') ?? [],
    close: () => client.close(),
  }
}
