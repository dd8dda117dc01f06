/** The import hook: from now on this process loads the official SDK with a line for the hook, by import and by require. */
import { readFileSync } from 'node:fs'
import * as nodeModule from 'node:module'
import { Failure } from '../../command.ts'
import { openHook, type Watcher } from './capture.ts'
import { copyOf, withHook } from './sdk-files.ts'

/** @throws Failure for a Node without hooks that are run at once */
export function installHook(watcher: Watcher): void {
  requireHooks()
  openHook(watcher)
  nodeModule.registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context)
      const copy = copyOf(url)
      if (!copy) return loaded
      // An import of CommonJS gives no text: Node reads the file later.
      const text = loaded.source === null || loaded.source === undefined ? readFileSync(new URL(url)) : loaded.source
      const changed = withHook(textOf(text), copy, loaded.format)
      return changed === undefined ? loaded : { ...loaded, source: changed }
    },
  })
}

/** @throws Failure for a Node without hooks that are run at once */
export function requireHooks(): void {
  if ('registerHooks' in nodeModule) return
  throw new Failure(
    `serve needs module.registerHooks of Node 22.15, 23.5 or newer, and this is ${process.version}. Update Node, or say ` +
      '--isolate session, which needs no hook.',
  )
}

function textOf(source: string | ArrayBuffer | NodeJS.TypedArray): string {
  return typeof source === 'string' ? source : Buffer.from(source as Uint8Array).toString('utf8')
}
