/** `mcp-anywhere start`: one instance, as it is deployed. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { readArguments } from '../arguments.ts'
import { bundleServer } from '../build/bundle-server.ts'
import { TARGETS } from '../build/targets.ts'
import { type Command, Failure } from '../command.ts'
import { serverFile } from '../config.ts'
import { hasEsbuild } from '../esbuild.ts'
import { shown } from '../shown.ts'
import { lineOfError } from './author-error.ts'

export const command: Command = {
  usage: '[server.ts]',
  summary: 'Serves with the settings of the environment, as a deployed instance does.',
  async run(args) {
    const { positionals } = readArguments('start', command, args, {})
    const server = await serverFile(process.cwd(), positionals[0])
    process.env.NODE_ENV ??= 'production'
    process.setSourceMapsEnabled(true)
    // Where only the dependencies of production are installed, Node runs the file as it is.
    const load = (await hasEsbuild())
      ? await bundled(server)
      : async () => (await import('./as-it-is.ts')).serveAsItIs(server)
    try {
      await load()
    } catch (error) {
      const line = lineOfError(error)
      if (line === undefined) throw error
      throw new Failure(`${shown(server)} does not start: ${line}`, { cause: error })
    }
  },
}

/** Bundles the server into a folder that is removed with this process. Returns what loads the bundle. */
async function bundled(server: string): Promise<() => Promise<void>> {
  const outdir = mkdtempSync(join(tmpdir(), 'mcp-anywhere-start-'))
  process.once('exit', () => rmSync(outdir, { recursive: true, force: true }))
  const { warnings } = await bundleServer({ server, entries: TARGETS.node, outdir, minify: false })
  for (const warning of warnings) console.error(warning)
  return async () => void (await import(pathToFileURL(join(outdir, 'server.mjs')).href))
}
