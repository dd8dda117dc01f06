/** `once` for handlers of the official SDK, whose `extra` or `ctx` has no such method in its types. */

/**
 * Runs `fn` once for the call, however often the handler is run again, and keeps its JSON result. Where another host serves the
 * handler, or the SDK alone, `fn` runs.
 *
 * @param context the second argument of the handler: `extra` of 1.x, `ctx` of 2.x, or the context of this package
 * @param options `single`: never twice; where it is unknown whether it was done, that is an error
 *
 * @example
 * server.registerTool('pay', { inputSchema }, async ({ amount }, extra) => {
 *   const receipt = await once(extra, 'charge', () => bank.charge(amount))
 *   return { content: [{ type: 'text', text: receipt.id }] }
 * })
 */
export async function once<T>(
  context: object,
  name: string,
  fn: () => T | Promise<T>,
  options?: { single?: boolean },
): Promise<T> {
  const own: unknown = Reflect.get(context, 'once')
  return typeof own === 'function' ? (Reflect.apply(own, context, [name, fn, options]) as Promise<T>) : fn()
}
