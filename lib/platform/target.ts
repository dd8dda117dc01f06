/**
 * The host and the target of a request. Both come from the client and become one URL: neither may change the other's part
 * of it, and the path that a proxy in front has seen is the path that is served.
 */
import { memoize } from '../base/memo.ts'

const HOST = /^(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i
const isHost = memoize((host) => HOST.test(host) && URL.canParse(`http://${host}`), 50)

/** All characters but spaces and controls, which a URL parser may drop, and `#`, `?` and the backslash. */
const PATH = /^\/[!"$->@-[\]-~\x80-\uffff]*$/

/** A segment that a URL parser would resolve. */
const DOT_SEGMENT = /\/(?:\.|%2e){1,2}(?:\/|$)/i

/**
 * Why a request cannot be read; undefined where it can.
 *
 * @param host the value of the Host header
 * @param path the path of the request's target, without its query
 */
export function targetProblem(host: string, path: string): string | undefined {
  if (!isHost(host)) return 'The Host header must have one host name or IP address, with or without a port.'
  if (!PATH.test(path) || DOT_SEGMENT.test(path)) {
    return 'The path of the request must begin with a slash, without dot segments, backslashes, spaces and fragments.'
  }
  return undefined
}
