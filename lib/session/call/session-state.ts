/** The methods that change the session's own state. They are loaded with the first of them. */
import { ErrorCode, ProtocolError } from '../../protocol/errors.ts'
import type { Result } from '../../protocol/jsonrpc.ts'
import { isLoggingLevel, LOGGING_LEVELS } from '../../protocol/types.ts'
import { UriSet } from '../../protocol/uri.ts'
import type { Instance } from '../../runtime/instance.ts'
import { MAX_URI_BYTES } from '../../store/options.ts'
import type { SessionKey } from '../../store/store.ts'
import type { SessionChannel } from './channel.ts'
import type { CallParts } from './host.ts'

type Work = Promise<Result>

/** Serves `logging/setLevel`, `resources/subscribe` and `resources/unsubscribe`. */
export function changeSession(parts: CallParts, channel: SessionChannel): Work {
  const { method, params = {} } = parts.request
  if (method === 'logging/setLevel') return setLevel(parts, channel, params.level)
  return subscribe(parts, channel, params.uri, method === 'resources/subscribe')
}

/** The result of the author's handler for this method, where there is one. Its error is the client's, and nothing is done then. */
async function ofServer({ host, request: { method, params } }: CallParts, channel: SessionChannel): Work {
  return host.handles(method) ? host.dispatch(method, params, channel) : {}
}

async function setLevel(parts: CallParts, channel: SessionChannel, level: unknown): Work {
  if (!isLoggingLevel(level)) {
    const message = `"level" must be one of ${LOGGING_LEVELS.join(', ')}.`
    throw new ProtocolError(ErrorCode.InvalidParams, message)
  }
  const result = await ofServer(parts, channel)
  const { instance } = parts.host
  const { key } = parts.session
  const reply = await instance.store.setLevel(key, level)
  // Running calls get it at once, wherever they run.
  if (reply.status === 'ok') for (const to of reply.owners) void instance.send({ t: 'level', to, level })
  return result
}

async function subscribe(parts: CallParts, channel: SessionChannel, uri: unknown, on: boolean): Work {
  if (typeof uri !== 'string' || uri === '') {
    throw new ProtocolError(ErrorCode.InvalidParams, '"uri" must be a string that is not empty.')
  }
  const result = await ofServer(parts, channel)
  const { instance } = parts.host
  const { key } = parts.session
  const { store, options } = instance
  for (const spelling of on ? [uri] : await spellings(instance, key, uri)) {
    const reply = on
      ? await store.subscribe(key, spelling, options.maxSubscriptions)
      : await store.unsubscribe(key, spelling)
    if (reply.status === 'full') {
      const message =
        `A session may be subscribed to ${options.maxSubscriptions} resources. Unsubscribe from some first. ` +
        `Their URIs may have ${MAX_URI_BYTES} bytes together.`
      throw new ProtocolError(ErrorCode.ServerError, message)
    }
    // The holder gets it before the client is answered, so that a change that is made after the answer is announced.
    if (reply.status === 'ok' && reply.holder !== undefined) {
      await instance.send({ t: 'subscription', to: reply.holder, uri: spelling, on })
    }
  }
  return result
}

/** The subscriptions that a client ends: the one in this spelling, else those of the same URI in another spelling. */
async function spellings({ store }: Instance, key: SessionKey, uri: string): Promise<readonly string[]> {
  const subscribed = await store.subscriptions(key)
  if (subscribed.includes(uri)) return [uri]
  const same = [...new UriSet(subscribed).spellings({ uri })]
  return same.length > 0 ? same : [uri]
}
