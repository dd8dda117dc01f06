/** Another checkout of this project, whose servers and instances are started from its own files. */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

/**
 * The root of the checkout at `folder`, as a URL that ends in a slash.
 * @throws Error with one line that says what is missing.
 */
export function checkoutAt(folder: string | undefined, entries: readonly string[]): URL {
  if (!folder) throw new Error('Which commit to compare with is missing: add --against <folder of a checkout of it>.')
  const root = resolve(folder)
  const missing = entries.find((entry) => !existsSync(join(root, entry)))
  if (missing) throw new Error(`${root} is no checkout of this project: it has no ${missing}.`)
  if (!existsSync(join(root, 'node_modules')))
    throw new Error(
      `${root} has no node_modules: make the checkout with "git worktree add ${root} <commit>", then run "npm ci" in it or link node_modules of one with the same package-lock.json.`,
    )
  return pathToFileURL(`${root}/`)
}
