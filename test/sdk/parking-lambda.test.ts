/** On Lambda nothing waits between requests: an ask of a tool that must not run again is an error that names the cure. */
import { afterEach, expect, test, vi } from 'vitest'
import { serveBuffered } from '../../lib/platform/lambda/serve-buffered.ts'
import { body, headers, tool } from '../stateless/requests.ts'
import { LINES } from './lines.ts'

afterEach(() => vi.unstubAllEnvs())

test.each(LINES)('a server of %s', async (_line, { makeServer }) => {
  vi.stubEnv('LOG', '0')
  vi.stubEnv('MCP_SECRET', Buffer.alloc(32, 1).toString('base64'))
  // What the environment says does not count there.
  vi.stubEnv('PARK_SECONDS', '60')
  const handler = await serveBuffered(makeServer())
  const invoke = async (name: string) => {
    const request = tool(name, { message: 'Who?' })
    const event = {
      version: '2.0',
      rawPath: '/mcp',
      rawQueryString: '',
      headers: {
        host: 'a.example',
        'content-type': 'application/json',
        accept: 'application/json',
        ...headers(request),
      },
      requestContext: { http: { method: 'POST', path: '/mcp', sourceIp: '203.0.113.1' } },
      body: JSON.stringify(body(request)),
      isBase64Encoded: false,
    }
    const answer = await handler(event, { awsRequestId: '1', getRemainingTimeInMillis: () => 10_000 })
    return JSON.parse((answer as { body: string }).body)
  }
  const { result } = await invoke('ask_once')
  expect(result).toMatchObject({ isError: true })
  expect(result.content[0].text).toMatch(
    /"ask_once" cannot wait.*"readOnly", "idempotent" or "durable" in options\.tools/,
  )
  expect((await invoke('ask')).result.resultType).toBe('input_required')
})
