/** The official runtime interface client of AWS Lambda from npm, without compiling its native part. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const VERSION = '4.0.2'
const INTEGRITY = 'sha512-FE5Vskx7mYNnqAnWWJXUOsLp2VGgdsJsCoRLFTa8L4Yk0QVtArqR8q58yPA++QC1a73ZWJXBQ2AH31nIAv7NOQ=='

const cache = fileURLToPath(new URL('../../node_modules/.cache/aws-lambda-ric/', import.meta.url))

/**
 * The path of its program, fetched from the registry when it is not there yet. It is no dependency of the project: an
 * install would compile it, and only these tests run it.
 *
 * @throws Error with one line that says what is missing
 */
export function runtimeClient(): string {
  const home = join(cache, VERSION)
  if (!existsSync(home)) fetchPackage(home)
  return join(home, 'index.mjs')
}

/** Unpacks into a folder of its own and renames it, so that two test files at once do not see half a package. */
function fetchPackage(home: string): void {
  mkdirSync(dirname(home), { recursive: true })
  const aside = mkdtempSync(join(dirname(home), 'tmp-'))
  try {
    const npm = (...args: string[]) => execFileSync('npm', args, { cwd: aside, stdio: ['ignore', 'ignore', 'ignore'] })
    npm('pack', `aws-lambda-ric@${VERSION}`, '--ignore-scripts')
    const [archive = ''] = readdirSync(aside)
    const sum = createHash('sha512')
      .update(readFileSync(join(aside, archive)))
      .digest('base64')
    if (`sha512-${sum}` !== INTEGRITY)
      throw new Error(`${archive} has another checksum than when this test was written: ${sum}`)
    execFileSync('tar', ['-xzf', archive], { cwd: aside })
    renameSync(join(aside, 'package'), home)
  } catch (error) {
    if (existsSync(home)) return
    throw new Error(`The tests need aws-lambda-ric ${VERSION} from the npm registry: ${String(error)}`, {
      cause: error,
    })
  } finally {
    rmSync(aside, { recursive: true, force: true })
  }
}
