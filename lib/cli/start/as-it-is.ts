/** Serves a file without a bundle: a Node without esbuild runs JavaScript, and TypeScript whose types can be stripped. */
import { existsSync } from 'node:fs'
import { dirname, extname, relative, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { listen } from '../../platform/node/listen.ts'
import { serverOf } from '../../platform/served.ts'
import { takeStdout } from '../../stdio/output.ts'
import { serveStdio } from '../../stdio/serve.ts'
import { Failure } from '../command.ts'
import { shown } from '../shown.ts'

const ENDINGS = ['.ts', '.mts', '.tsx', '.js', '.mjs', '/index.ts', '/index.js']
const BUNDLE = 'Write it as it is, or install esbuild, which finds it: npm install --save-dev esbuild'

/**
 * @param file an absolute path
 * @param stdio for a local host, by lines on stdin and stdout; else over HTTP
 * @throws Failure for what Node does not run, with the cure
 */
export async function serveAsItIs(file: string, { stdio }: { stdio: boolean }): Promise<void> {
  if (stdio) takeStdout()
  let module: { server?: unknown; default?: unknown; serving?: unknown }
  try {
    module = await import(pathToFileURL(file).href)
  } catch (error) {
    throw explained(error as NodeJS.ErrnoException)
  }
  const server = await serverOf(module.server ?? module.default, shown(file), module.serving)
  await (stdio ? serveStdio(server) : listen(server))
}

/** Exported for tests. */
export function explained(error: NodeJS.ErrnoException & { url?: string }): Error {
  const { code, message, url } = error
  if (code === 'ERR_UNKNOWN_FILE_EXTENSION') {
    return new Failure(
      `Node ${process.versions.node} does not run TypeScript. Install esbuild: npm install --save-dev esbuild`,
    )
  }
  if (code === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX' || code === 'ERR_INVALID_TYPESCRIPT_SYNTAX') {
    const [, file = '', line] = /^(.+\.[cm]?tsx?):(\d+)$/m.exec(error.stack ?? '') ?? []
    const place = file === '' ? '' : `${shown(file.startsWith('file:') ? fileURLToPath(file) : file)}:${line}: `
    const [reason = ''] = message.split('\n')
    return new Failure(
      `${place}${reason}, because Node only strips types. Install esbuild: npm install --save-dev esbuild`,
    )
  }
  const [, importer] = / imported from (.+)$/.exec(message) ?? []
  if ((code === 'ERR_MODULE_NOT_FOUND' || code === 'ERR_UNSUPPORTED_DIR_IMPORT') && url !== undefined && importer) {
    const target = fileURLToPath(url)
    const found = existing(target)
    if (found !== undefined) {
      const from = dirname(importer)
      return new Failure(
        `${shown(importer)} imports ./${relative(from, target)}, and Node finds ./${relative(from, found)} only by its whole name. ${BUNDLE}`,
      )
    }
  }
  return error
}

/** The file that a bundler would take for this path. */
function existing(target: string): string | undefined {
  const bare = target.slice(0, target.length - extname(target).length)
  const names = [...ENDINGS.map((ending) => target + ending), ...['.ts', '.mts', '.tsx'].map((ending) => bare + ending)]
  return names.map((name) => resolve(name)).find((name) => existsSync(name))
}
