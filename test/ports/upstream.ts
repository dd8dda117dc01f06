/** The public service that a server calls, as a test plays it. */
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface UpstreamAnswer {
  /** JSON, or the text itself. */
  body: unknown
  headers?: Record<string, string>
}

export interface Upstream {
  /** Its origin. */
  url: string
  /** Of every request so far. */
  requests: { path: string; query: Record<string, string>; headers: IncomingHttpHeaders }[]
  stop(): Promise<void>
}

/** @param answers by path. Other paths are 404. */
export async function startUpstream(answers: Readonly<Record<string, UpstreamAnswer>>): Promise<Upstream> {
  const requests: Upstream['requests'] = []
  const server = createServer(({ url = '/', headers }, response) => {
    const { pathname, searchParams } = new URL(url, 'http://upstream')
    requests.push({ path: pathname, query: Object.fromEntries(searchParams), headers })
    const answer = answers[pathname]
    if (!answer) return void response.writeHead(404).end()
    const { body } = answer
    const type = typeof body === 'string' ? 'text/plain' : 'application/json'
    response.writeHead(200, { 'content-type': type, ...answer.headers })
    response.end(typeof body === 'string' ? body : JSON.stringify(body))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
