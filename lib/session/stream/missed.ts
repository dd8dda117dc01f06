import { notificationText } from '../../protocol/jsonrpc.ts'

/** The warning to a client that messages of this stream were lost, so that a gap is never silent. */
export function missedText(more = ''): string {
  const data = `Messages were missed on this stream.${more}`
  return notificationText('notifications/message', { level: 'warning', logger: 'mcp', data })
}
