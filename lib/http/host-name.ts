/** The names of hosts. */

export const LOCAL_NAMES: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]'])

/** Without its port. An IPv6 address may be written without its brackets in the settings. */
export function hostName(host: string): string {
  return bracketed(host).replace(/:\d+$/, '').toLowerCase()
}

/** An IPv6 address in its brackets, and every other host as it is. */
export function bracketed(host: string): string {
  return host.indexOf(':') !== host.lastIndexOf(':') && /^[0-9a-fA-F:]+$/.test(host) ? `[${host}]` : host
}
