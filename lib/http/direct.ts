/** `endpoint.fetch`: the app, and a shorter way to the one route that nearly all requests are for. */
import type { Hono } from 'hono'
import { getPath } from 'hono/utils/url'
import type { FetchOptions } from './fetch-options.ts'
import { PlainRequest } from './request.ts'
import type { RouteHandler } from './route.ts'

/**
 * Serves requests as the app does. A POST to one of `paths` goes to its handler without Hono's context, which is a tenth of the
 * work of a short call. In the app that handler is the first of these paths and answers, so that nothing else would run there.
 */
export function directFetch(app: Hono, paths: readonly string[], handler: RouteHandler) {
  const direct: ReadonlySet<string> = new Set(paths)
  return (request: Request, given?: FetchOptions): Promise<Response> => {
    if (request.method === 'POST') {
      const path = getPath(request)
      if (direct.has(path)) return handler(new PlainRequest(request, path, given))
    }
    const response = app.fetch(request, given)
    return response instanceof Promise ? response : Promise.resolve(response)
  }
}
