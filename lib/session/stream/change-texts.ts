/** The messages that announce changes on a session's own stream. */
import { notificationText } from '../../protocol/jsonrpc.ts'
import { missedText } from './missed.ts'

export const LIST_CHANGED = {
  tools: notificationText('notifications/tools/list_changed'),
  prompts: notificationText('notifications/prompts/list_changed'),
  resources: notificationText('notifications/resources/list_changed'),
}

export function updatedText(uri: string): string {
  return notificationText('notifications/resources/updated', { uri })
}

export const MISSED = missedText(' Everything that may have changed is announced again.')
