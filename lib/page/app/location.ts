/** Where the endpoint is, from where the page was opened. */
import type { About } from '../about.ts'

/**
 * The page is at the address of the endpoint, or at the root beside it, below whatever a proxy puts in front.
 *
 * @param path where the endpoint answers, as it knows it itself
 */
export function endpointOf(page: URL, path: string): URL {
  const here = page.pathname.replace(/\/$/, '')
  const own = path.replace(/\/$/, '')
  const base = here.endsWith(own) ? here.slice(0, here.length - own.length) : here
  return new URL(`${base}${own || '/'}`, page.origin)
}

/** @throws Error where the endpoint does not answer */
export async function readAbout(): Promise<About> {
  const response = await fetch('?page=about')
  const body: unknown = await response.json()
  if (response.ok) return body as About
  throw new Error((body as { error?: { message?: string } }).error?.message ?? `The response was ${response.status}.`)
}
