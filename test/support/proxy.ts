/** A round-robin load balancer: sends each request to the next target, also within one keep-alive connection. */
import http from 'node:http'
import type { AddressInfo } from 'node:net'

/** A request to a target. */
export interface Forwarded {
  method: string
  path: string
  target: number
  status?: number
  /** The event id after which it resumes a stream. */
  lastEventId?: string
  /** Its response goes on, or has not begun. */
  open: boolean
  /** Its target broke the connection before the response was over. */
  lost: boolean
}

export interface RoundRobin {
  url: string
  /** The number of requests to each target. */
  counts: number[]
  /** Every request so far. */
  requests: Forwarded[]
  /** Removes a target, or replaces its address. */
  setTarget(index: number, url: string | undefined): void
  /** Cuts the connections of all requests in flight. */
  cut(): void
  close(): Promise<void>
}

/** @param prefix the begin of the paths that are forwarded, without it. Other paths are 404. */
export async function startRoundRobin(targets: string[], prefix = ''): Promise<RoundRobin> {
  const urls: (string | undefined)[] = [...targets]
  const counts = targets.map(() => 0)
  const requests: RoundRobin['requests'] = []
  const live = new Set<http.ServerResponse>()
  const agent = new http.Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY })
  let turn = 0
  const next = (): number => {
    for (let i = 0; i < urls.length; i++) {
      const index = turn++ % urls.length
      if (urls[index] !== undefined) return index
    }
    return -1
  }
  const server = http.createServer((req, res) => {
    const path = req.url ?? ''
    if (prefix !== '' && !path.startsWith(`${prefix}/`)) {
      res.writeHead(404).end('no such path')
      return
    }
    const index = next()
    const target = urls[index]
    if (target === undefined) {
      res.writeHead(502).end()
      return
    }
    counts[index] = (counts[index] ?? 0) + 1
    const entry: Forwarded = { method: req.method ?? '', path, target: index, open: true, lost: false }
    const after = req.headers['last-event-id']
    if (typeof after === 'string') entry.lastEventId = after
    requests.push(entry)
    live.add(res)
    const { hostname, port } = new URL(target)
    const upstream = http.request(
      { hostname, port, method: req.method, path: path.slice(prefix.length), headers: req.headers, agent },
      (answer) => {
        entry.status = answer.statusCode ?? 0
        res.writeHead(answer.statusCode ?? 502, answer.rawHeaders)
        res.flushHeaders()
        answer.pipe(res)
        answer.on('error', () => res.destroy())
        answer.on('aborted', () => {
          entry.lost ||= entry.open
          res.destroy()
        })
      },
    )
    upstream.on('error', () => {
      entry.lost ||= entry.open
      if (res.headersSent) res.destroy()
      else res.writeHead(502).end()
    })
    res.on('close', () => {
      live.delete(res)
      entry.open = false
      if (!res.writableFinished) upstream.destroy()
    })
    req.pipe(upstream)
  })
  server.keepAliveTimeout = 60_000
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    counts,
    requests,
    setTarget: (index, url) => {
      urls[index] = url
    },
    cut: () => {
      for (const res of live) res.destroy()
    },
    close: async () => {
      server.closeAllConnections()
      agent.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}
