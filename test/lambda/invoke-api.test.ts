/** The client of Lambda's Invoke API: its signature, its address, and what it does where the API refuses. */
import { createRequire } from 'node:module'
import { afterEach, describe, expect, test } from 'vitest'
import { endpointOf, invokeLater } from '../../lib/platform/lambda/tasks/invoke.ts'
import { signed } from '../../lib/platform/lambda/tasks/sign.ts'
import { type EventOptions, InvokeApi } from './invoke-api.ts'

const OWN = { name: 'mcp', qualifier: 'live' }
const EVENT = { task: 'abc', leg: 1 }

describe("the signature is that of AWS's published examples", () => {
  const signer = {
    credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' },
    region: 'us-east-1',
    service: 'service',
  }
  test.each([
    ['GET', '/', {}, '', '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
    ['POST', '/', {}, '', '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b'],
    [
      'GET',
      '/?Param2=value2&Param1=value1',
      {},
      '',
      'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
    ],
    [
      'POST',
      '/',
      { 'content-type': 'application/x-www-form-urlencoded' },
      'Param1=value1',
      'ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a',
    ],
  ])('%s %s %o', (method, path, headers, body, signature) => {
    const url = new URL(path, 'https://example.amazonaws.com')
    const at = Date.UTC(2015, 7, 30, 12, 36)
    expect(signed({ method, url, headers, body }, signer, at).authorization).toMatch(`Signature=${signature}`)
  })
})

test.each(['eu-central-1', 'us-gov-west-1', 'cn-north-1'])(
  'the address of %s is that of the SDK, dual-stack',
  async (region) => {
    const { LambdaClient, InvokeCommand } = createRequire(import.meta.resolve('osls/package.json'))(
      '@aws-sdk/client-lambda',
    )
    const seen: { protocol: string; hostname: string; path: string; query: object }[] = []
    const client = new LambdaClient({
      region,
      useDualstackEndpoint: true,
      credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
      requestHandler: {
        handle(request: (typeof seen)[number]) {
          seen.push(request)
          throw new Error('seen')
        },
      },
    })
    const command = new InvokeCommand({ FunctionName: 'mcp', Qualifier: 'live', InvocationType: 'Event' })
    await expect(client.send(command)).rejects.toThrow('seen')
    expect(seen).toMatchObject([
      { protocol: 'https:', path: '/2015-03-31/functions/mcp/invocations', query: { Qualifier: 'live' } },
    ])
    expect(endpointOf({ AWS_REGION: region })).toBe(`https://${seen[0]?.hostname}`)
    expect(endpointOf({ AWS_REGION: region, AWS_ENDPOINT_URL_LAMBDA: 'https://vpce.example/' })).toBe(
      'https://vpce.example',
    )
  },
)

describe('the API', () => {
  let api: InvokeApi
  const delivered: object[] = []
  async function start(options?: EventOptions) {
    delivered.length = 0
    api = new InvokeApi(async (payload) => delivered.push(payload) > 0, options)
    return api.start()
  }
  afterEach(() => api.stop())

  test('accepts and delivers an event whose signature AWS would accept', async () => {
    const env = await start()
    await invokeLater(OWN, EVENT, env)
    await api.quiet()
    expect(delivered).toEqual([EVENT])
  })

  test.each([
    ['another key', { AWS_SECRET_ACCESS_KEY: 'other' }],
    ['another region', { AWS_REGION: 'us-east-1' }],
    ['no token of the session', { AWS_SESSION_TOKEN: '' }],
  ])('refuses %s, once', async (_, wrong) => {
    const env = await start()
    await expect(invokeLater(OWN, EVENT, { ...env, ...wrong })).rejects.toThrow(/answered 403.*signature/)
    expect(api.refused).toEqual([403])
    expect(delivered).toEqual([])
  })

  test('that refuses the role is an error with its cure', async () => {
    const env = await start({ allowed: false })
    await expect(invokeLater(OWN, EVENT, env)).rejects.toThrow(/The role of the function needs lambda:InvokeFunction/)
  })

  test('that does not answer is an error after another attempt', async () => {
    const env = await start()
    await api.stop()
    await expect(invokeLater(OWN, EVENT, env)).rejects.toThrow()
  })
})
