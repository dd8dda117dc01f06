/** The events of streams. They are made only where somebody listens. */
import type { Clock } from '../base/clock.ts'
import { channels, publish, type RequestStart, type StreamStart } from '../base/events.ts'
import { type Reply, watchWriter } from '../runtime/reply.ts'

export type StreamReply = Extract<Reply, { kind: 'stream' }>

/**
 * The reply with a source whose begin and end are reported.
 *
 * @param resumes the client has sent the id of its last event
 * @param onEnd called once the stream is over
 */
export function watchStream(
  reply: StreamReply,
  request: RequestStart,
  resumes: boolean,
  clock: Clock,
  onEnd: () => void,
): Reply {
  const { source } = reply
  const began = clock.now()
  const event: StreamStart = { request, kind: kindOf(request, resumes) }
  let [characters, writes, over, left] = [0, 0, false, false]
  const end = (outcome: 'ended' | 'closed') => {
    if (over) return
    over = true
    const ended = Object.assign(event, { outcome, characters, writes, durationMs: clock.now() - began })
    if (channels.stream.hasSubscribers) publish('stream', ended)
    onEnd()
  }
  return {
    ...reply,
    source: {
      attach(writer) {
        if (channels['stream-start'].hasSubscribers) publish('stream-start', event)
        const counting = watchWriter(writer, {
          writing(text) {
            characters += text.length
            writes++
          },
          ended: () => end(left ? 'closed' : 'ended'),
        })
        source.attach(counting)
      },
      detached() {
        left = true
        source.detached()
        end('closed')
      },
    },
  }
}

function kindOf({ httpMethod, method, path }: RequestStart, resumes: boolean): StreamStart['kind'] {
  if (httpMethod !== 'GET') return method === 'subscriptions/listen' ? 'listen' : 'call'
  if (resumes) return 'resume'
  return /\/sse\/?$/.test(path) ? 'legacy' : 'get'
}
