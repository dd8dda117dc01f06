import { readFileSync } from 'node:fs'
import type { Plugin } from 'esbuild'

/** A plugin that changes the text of the files that `filter` matches. */
export function rewriting(name: string, filter: RegExp, rewrite: (text: string) => string): Plugin {
  return {
    name,
    setup: (build) =>
      build.onLoad({ filter }, ({ path }) => ({
        contents: rewrite(readFileSync(path, 'utf8')),
        loader: path.endsWith('.ts') ? 'ts' : 'js',
      })),
  }
}
