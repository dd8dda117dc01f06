/** Cloud Tasks as the executor of tasks: what is sent to Google, and which requests run a leg. */
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Hono } from 'hono'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../lib/base/clock.ts'
import { BadSetting } from '../../lib/platform/environment.ts'
import { readExecutor } from '../../lib/platform/executor.ts'
import { openCloudTasks } from '../../lib/platform/node/cloud-tasks/open.ts'
import { StoreUnavailable } from '../../lib/store/store.ts'
import type { Wake } from '../../lib/tasks/executor.ts'

const QUEUE = 'projects/acme/locations/europe-west1/queues/legs'
const ACCOUNT = 'tasks@acme.iam.gserviceaccount.com'
const ORIGIN = 'https://mcp-abc.run.app'
const TARGET = `${ORIGIN}/tasks/legs`
const GOOGLE = 'https://accounts.google.com'
const WAKE = { task: 'scope.id', leg: 3 }

interface Asked {
  method: string
  path: string
  headers: IncomingMessage['headers']
  body: string
}

/** Google: the metadata server, Cloud Tasks, and the keys of its tokens. */
const asked: Asked[] = []
let status = 200
let keys: Awaited<ReturnType<typeof generateKeyPair>>
let strangers: typeof keys
let published: object
const google = createServer(async (req, res) => {
  const chunks: Buffer[] = []
  for await (const chunk of req as AsyncIterable<Buffer>) chunks.push(chunk)
  const path = req.url ?? ''
  asked.push({ method: req.method ?? '', path, headers: req.headers, body: Buffer.concat(chunks).toString() })
  const answer = (code: number, body: object): void => {
    res.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }
  if (path === '/certs') return answer(200, published)
  if (path.endsWith('/default/token')) return answer(200, { access_token: 'of the service', expires_in: 3_600 })
  answer(status, {})
})

const runs: { wake: Wake; deadline: number | undefined }[] = []
let outcome: () => Promise<'ran' | 'nothing' | 'held'>
let app: Hono
let executor: ReturnType<typeof openCloudTasks>['executor']

beforeAll(async () => {
  keys = await generateKeyPair('RS256')
  strangers = await generateKeyPair('RS256')
  published = { keys: [{ ...(await exportJWK(keys.publicKey)), kid: 'k', alg: 'RS256', use: 'sig' }] }
  await once(google.listen(0, '127.0.0.1'), 'listening')
})
afterAll(() => google.close())

beforeEach(() => {
  asked.length = 0
  runs.length = 0
  status = 200
  outcome = async () => 'ran'
  const own = opened(undefined)
  app = own.app
  executor = own.executor
})

/** The executor of an instance with these keys, and its routes. */
function opened(keys: Uint8Array[] | undefined): {
  app: Hono
  executor: ReturnType<typeof openCloudTasks>['executor']
} {
  const base = `http://127.0.0.1:${(google.address() as AddressInfo).port}`
  const settings = readExecutor({
    TASK_EXECUTOR: 'cloud-tasks',
    CLOUD_TASKS_QUEUE: QUEUE,
    CLOUD_TASKS_URL: `${ORIGIN}/`,
    CLOUD_TASKS_ACCOUNT: ACCOUNT,
  })
  const { executor, serve } = openCloudTasks(settings, {
    clock: systemClock,
    onError: () => {},
    responseLimit: 600_000,
    keys,
    google: { api: base, metadata: base, jwks: `${base}/certs` },
  })
  const app = new Hono()
  serve({
    app,
    runTask: async (wake, options) => {
      runs.push({ wake, deadline: options?.deadline })
      return outcome()
    },
  })
  return { app, executor }
}

test('a leg is a request of the queue with a token of the account, and holds task and leg only', async () => {
  await executor.enqueue(WAKE, 0)
  await executor.enqueue({ ...WAKE, leg: 4 }, 0)
  const [token, ...created] = asked
  expect(token).toMatchObject({
    path: '/computeMetadata/v1/instance/service-accounts/default/token',
    headers: { 'metadata-flavor': 'Google' },
  })
  expect(created.map(({ method, path }) => `${method} ${path}`)).toEqual(
    Array.from({ length: 2 }, () => `POST /v2/${QUEUE}/tasks`),
  )
  expect(created[0]?.headers.authorization).toBe('Bearer of the service')
  expect(JSON.parse(created[0]?.body ?? '')).toEqual({
    task: {
      dispatchDeadline: '600s',
      httpRequest: {
        url: TARGET,
        httpMethod: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: Buffer.from(JSON.stringify(WAKE)).toString('base64'),
        oidcToken: { serviceAccountEmail: ACCOUNT, audience: TARGET },
      },
    },
  })
})

test('a refusal of Cloud Tasks is an error with its cure', async () => {
  status = 403
  await expect(executor.enqueue(WAKE, 0)).rejects.toThrow(/Cloud Tasks answered 403.*roles\/cloudtasks.enqueuer/)
})

interface Claims {
  iss?: string
  aud?: string
  email?: string
  email_verified?: boolean
  expires?: number
  key?: 'other'
}

async function token({ iss = GOOGLE, aud = TARGET, expires = 3_600, key, ...given }: Claims = {}): Promise<string> {
  const claims = { email: ACCOUNT, email_verified: true, ...given }
  return new SignJWT(claims)
    .setProtectedHeader({ alg: 'RS256', kid: 'k', typ: 'JWT' })
    .setIssuer(iss)
    .setSubject('1234567890')
    .setAudience(aud)
    .setIssuedAt()
    .setExpirationTime(Math.floor(Date.now() / 1_000) + expires)
    .sign(key === 'other' ? strangers.privateKey : keys.privateKey)
}

function send(authorization: string | undefined, body: unknown = WAKE) {
  const headers = { 'content-type': 'application/json', ...(authorization !== undefined && { authorization }) }
  return app.request('/tasks/legs', { method: 'POST', headers, body: JSON.stringify(body) })
}

describe('where all instances have a key', () => {
  const KEYS = [new Uint8Array(32).fill(7), new Uint8Array(32).fill(8)]
  /** What Cloud Run passes on where it has checked the token itself. */
  const STRIPPED = async () => `Bearer ${(await token()).replace(/[^.]*$/, 'SIGNATURE_REMOVED_BY_GOOGLE')}`

  /** The headers of the request that an instance with `ring` puts into the queue. */
  async function queued(ring: Uint8Array[] | undefined): Promise<Record<string, string>> {
    const own = opened(ring)
    asked.length = 0
    await own.executor.enqueue(WAKE, 0)
    return JSON.parse(asked.at(-1)?.body ?? '').task.httpRequest.headers
  }
  const post = (to: Hono, headers: Record<string, string>) =>
    to.request('/tasks/legs', { method: 'POST', headers, body: JSON.stringify({ task: 'scope.id', leg: 9 }) })

  test('a leg is run for its proof, also where the token has lost its signature, and the proof names the leg', async () => {
    const headers = await queued(KEYS)
    const served = opened(KEYS)
    expect((await post(served.app, { ...headers, authorization: await STRIPPED() })).status).toBe(200)
    expect(runs.map(({ wake }) => wake)).toEqual([WAKE])
    // The key is being replaced.
    const next = opened([...KEYS].reverse())
    expect((await post(next.app, headers)).status).toBe(200)
  })

  test('a proof of other keys, none, or a changed one is refused with such a token', async () => {
    const served = opened(KEYS)
    const { 'Mcp-Leg': proof = '' } = await queued(KEYS)
    for (const given of [
      await queued([new Uint8Array(32).fill(9)]),
      await queued(undefined),
      { 'Mcp-Leg': `${proof.slice(0, -1)}${proof.endsWith('A') ? 'B' : 'A'}` },
      { 'Mcp-Leg': '' },
    ]) {
      expect((await post(served.app, { ...given, authorization: await STRIPPED() })).status).toBe(401)
    }
    expect(runs).toEqual([])
  })

  test('the request of an instance of the version before is admitted by its token', async () => {
    const served = opened(KEYS)
    expect((await post(served.app, { authorization: `Bearer ${await token()}` })).status).toBe(200)
  })
})

describe('a request of the queue', () => {
  test('runs its leg, within the time that the queue waits', async () => {
    const before = systemClock.now()
    expect((await send(`Bearer ${await token()}`)).status).toBe(200)
    expect(runs).toMatchObject([{ wake: WAKE }])
    expect(runs[0]?.deadline).toBeGreaterThanOrEqual(before + 600_000)
  })

  test.each<[string, Claims]>([
    ['of another issuer', { iss: 'https://evil.example' }],
    ['for another audience', { aud: `${ORIGIN}/mcp` }],
    ['of another account', { email: 'someone@acme.iam.gserviceaccount.com' }],
    ['of an account that nobody has verified', { email_verified: false }],
    ['that has expired', { expires: -3_600 }],
    ['that another key has signed', { key: 'other' }],
  ])('with a token %s is refused', async (_, claims) => {
    expect((await send(`Bearer ${await token(claims)}`)).status).toBe(401)
    expect(runs).toEqual([])
  })

  test('without a token is refused', async () => {
    expect((await send(undefined)).status).toBe(401)
    expect(runs).toEqual([])
  })

  test.each([[{ task: 'a' }], [{ task: 'a b', leg: 1 }], [{ task: 'a', leg: 0 }], [{ task: 'a', leg: '1' }], [null]])(
    'with the body %o is refused',
    async (body) => {
      expect((await send(`Bearer ${await token()}`, body)).status).toBe(400)
      expect(runs).toEqual([])
    },
  )

  test('that finds nothing to do is done, so that it does not come again', async () => {
    outcome = async () => 'nothing'
    expect((await send(`Bearer ${await token()}`)).status).toBe(200)
  })

  test('comes again while another run has the lease, and where the store is away', async () => {
    outcome = async () => 'held'
    expect((await send(`Bearer ${await token()}`)).status).toBe(503)
    outcome = () => Promise.reject(new StoreUnavailable('away'))
    expect((await send(`Bearer ${await token()}`)).status).toBe(503)
  })
})

const CLOUD = {
  TASK_EXECUTOR: 'cloud-tasks',
  CLOUD_TASKS_QUEUE: QUEUE,
  CLOUD_TASKS_URL: ORIGIN,
  CLOUD_TASKS_ACCOUNT: ACCOUNT,
}

test.each<[string, Record<string, string | undefined>, RegExp]>([
  [
    'another word',
    { TASK_EXECUTOR: 'redis' },
    /^TASK_EXECUTOR must be one of process, lambda, cloud-tasks, not "redis"/,
  ],
  ['lambda elsewhere', { TASK_EXECUTOR: 'lambda' }, /no function of AWS Lambda/],
  ['cloud-tasks on Lambda', { ...CLOUD, AWS_LAMBDA_FUNCTION_NAME: 'mcp' }, /Set lambda/],
  ['no queue', { ...CLOUD, CLOUD_TASKS_QUEUE: undefined }, /^CLOUD_TASKS_QUEUE must be projects\//],
  ['the name of a queue', { ...CLOUD, CLOUD_TASKS_QUEUE: 'legs' }, /^CLOUD_TASKS_QUEUE must be .*not "legs"/],
  [
    'an address without TLS',
    { ...CLOUD, CLOUD_TASKS_URL: 'http://mcp.example' },
    /^CLOUD_TASKS_URL must be an https URL/,
  ],
  ['no account', { ...CLOUD, CLOUD_TASKS_ACCOUNT: undefined }, /^CLOUD_TASKS_ACCOUNT must be/],
])('a start with %s stops with one line', (_, env, line) => {
  expect(() => readExecutor(env)).toThrow(BadSetting)
  expect(() => readExecutor(env)).toThrow(line)
})
