/** Notifications of clients for a server of the official SDK. */
import { type LowLevel, notificationHandlers } from './private.ts'

export const ROOTS_CHANGED = 'notifications/roots/list_changed'

/** The methods of the notifications that the server handles. Where a release keeps the handlers elsewhere: those that it may. */
export function notificationMethods(server: LowLevel): string[] {
  const handlers = notificationHandlers(server)
  return handlers ? [...handlers.keys()].map(String) : [ROOTS_CHANGED]
}

/**
 * Sends a notification to the server, and resolves when its handler has ended. A handler's error goes to `onerror`.
 *
 * @param send gives the message to the transport
 */
export async function hearNotification(server: LowLevel, method: string, send: () => void): Promise<void> {
  const handlers = notificationHandlers(server)
  const own = handlers?.get(method)
  const handler = own ?? server.fallbackNotificationHandler
  if (!handlers || typeof handler !== 'function') return send()
  let done: unknown
  const followed = (...args: unknown[]) => {
    done = Reflect.apply(handler, undefined, args)
    return done
  }
  // The SDK looks the handler up as it gets the message.
  handlers.set(method, followed)
  try {
    send()
  } finally {
    if (own === undefined) handlers.delete(method)
    else handlers.set(method, own)
  }
  // It calls the handler in a microtask.
  await new Promise((resolve) => setImmediate(resolve))
  await Promise.resolve(done).catch(() => {})
}
