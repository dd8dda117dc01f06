/** The requests by which Cloud Tasks asks for the legs of tasks. */
import { readBearer } from '../../../auth/bearer.ts'
import { jwtVerifier } from '../../../auth/jwt.ts'
import type { KeySet } from '../../../auth/options.ts'
import { AuthRefusal } from '../../../auth/refusal.ts'
import type { Clock } from '../../../base/clock.ts'
import { retryAfter } from '../../../base/ids.ts'
import { refuse } from '../../../http/respond.ts'
import { ErrorCode } from '../../../protocol/errors.ts'
import { Refusal } from '../../../protocol/refusal.ts'
import { type RunTask, readWake, type Wake } from '../../../tasks/executor.ts'
import { PROOF, type Proofs } from './proof.ts'

const GOOGLE = 'https://accounts.google.com'
const GOOGLE_KEYS = 'https://www.googleapis.com/oauth2/v3/certs'

interface ArrivalOptions {
  /** The audience of the tokens: the address of the requests. */
  target: string
  /** The service account in whose name they are sent. */
  account: string
  /** How long a request may take, in ms. */
  limit: number
  clock: Clock
  onError(error: unknown): void
  proofs?: Proofs | undefined
  /** Default: those of Google. */
  jwks?: KeySet | undefined
}

/**
 * Makes the function that answers such requests. They have the proof of an instance, or a token of Google that can be checked here.
 * 200: the leg is over here, or there is nothing to do. With 503 Cloud Tasks sends the request again: the store is away, or another run
 * has the lease of the leg, and may be dead.
 */
export function arrivals(options: ArrivalOptions, run: RunTask): (request: Request) => Promise<Response> {
  const { target, account, limit, clock, onError, proofs, jwks = GOOGLE_KEYS } = options
  const verify = jwtVerifier(
    { issuer: GOOGLE, resource: target, jwks, algorithms: ['RS256'] },
    new Set([target]),
    clock,
    onError,
    () => Promise.reject(new Error('The keys of Google have an address.')),
  )
  /** @throws AuthRefusal; Refusal 400 where the body names no leg */
  const admit = async (request: Request): Promise<Wake> => {
    const proof = request.headers.get(PROOF)
    const proven = proof === null ? undefined : proofs?.open(proof)
    if (proven) return proven
    const token = readBearer(request.headers.get('authorization') ?? undefined, [])
    const { claims } = await verify(token)
    if (claims.email !== account || claims.email_verified !== true) {
      throw new AuthRefusal('invalid', 'The token is that of another account.')
    }
    const wake = readWake(await request.json().catch(() => undefined))
    if (!wake) throw new Refusal(400, ErrorCode.InvalidRequest, 'The body names no leg of a task.')
    return wake
  }
  return async (request) => {
    const deadline = clock.now() + limit
    try {
      const done = await run(await admit(request), { deadline })
      if (done === 'held') throw new Refusal(503, ErrorCode.InternalError, 'Another run has this leg.', AGAIN)
      return new Response(null, { status: 200 })
    } catch (error) {
      return refuse(error, undefined, onError)
    }
  }
}

const AGAIN = { headers: { 'Retry-After': retryAfter(1) } }
