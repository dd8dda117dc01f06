/**
 * Writes the npm package of the starter, `create-mcp-anywhere`, to dist/create: the folder `create/`, with the deployment
 * files of this repository under the name of the new project, and with the versions of this repository.
 */
import { copyFileSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { root } from './build.ts'

interface Manifest {
  name: string
  version: string
  dependencies: Record<string, string>
  devDependencies: Record<string, string>
}

/** Files and folders of the repository that a new project gets. */
const DEPLOYMENT = ['serverless.yml', 'infra']

/** Empties `out` and writes the package into it. @throws Error where a file has not the form that is expected */
export function buildStarter(out = join(root, 'dist/create')): void {
  rmSync(out, { recursive: true, force: true })
  const template = join(out, 'template')
  cpSync(join(root, 'create'), out, { recursive: true })
  copyFileSync(join(root, 'LICENSE'), join(out, 'LICENSE'))
  for (const name of DEPLOYMENT.flatMap(filesIn)) {
    mkdirSync(dirname(join(template, name)), { recursive: true })
    writeFileSync(join(template, name), deploymentFile(name, readFileSync(join(root, name), 'utf8')))
  }
  const repository = readManifest(join(root, 'package.json'))
  const manifest = join(template, 'package.json')
  writeFileSync(manifest, withVersions(readFileSync(manifest, 'utf8'), repository))
  const own = { ...readManifest(join(out, 'package.json')), version: repository.version }
  writeFileSync(join(out, 'package.json'), `${JSON.stringify(own, undefined, 2)}\n`)
}

const readManifest = (file: string): Manifest => JSON.parse(readFileSync(file, 'utf8'))

/** A file as it is, or the files of a folder; relative to the root. */
function filesIn(name: string): string[] {
  if (/\.\w+$/.test(name)) return [name]
  const entries = readdirSync(join(root, name), { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile() && entry.name !== '.env')
  return files.map((entry) => join(entry.parentPath, entry.name).slice(root.length).replace(/^\//, ''))
}

/** The text of a deployment file for a project whose endpoint is an installed package. */
function deploymentFile(name: string, text: string): string {
  let own = text
  if (name === 'infra/Dockerfile') own = replaced(name, text, BUILD, OWN_BUILD)
  if (name === 'infra/aws/stages/prod.yml') own = replaced(name, text, ISSUER, OWN_ISSUER)
  // docs/deploy.md creates the service account by its name, so that it keeps it.
  return own
    .replace(/mcp-anywhere(?!@)/g, '{{deployment}}')
    .replace(/\bdocs\/(?=\w+\.md)/g, 'node_modules/mcp-anywhere/docs/')
}

/** How the image of this repository gets its packages and its bundle. */
const BUILD = /COPY tools tools\n([\s\S]*)RUN npm run build .*/

const OWN_BUILD = '$1RUN npm run build -- --target node --install'

/** The repository deploys nothing before a decision, which tools/deploy.ts explains. A project has osls alone. */
const ISSUER = /^.*\n# authIssuer: (.*)\n# authAudience: (.*)\n/m

const OWN_ISSUER = `# The authorization server, and the URL of the endpoint as clients name it. The server that is named here issues no tokens,
# so that nobody is let in until you name yours:
authIssuer: $1
authAudience: $2
`

function replaced(name: string, text: string, pattern: RegExp, value: string): string {
  if (!pattern.test(text)) throw new Error(`tools/build-starter.ts: ${name} has nothing like ${pattern}.`)
  return text.replace(pattern, value)
}

/** Replaces `{{version zod}}` by the version that this repository uses. */
function withVersions(text: string, { name, version, dependencies, devDependencies }: Manifest): string {
  const versions = { ...dependencies, ...devDependencies, [name]: version }
  return text.replace(/\{\{version ([\w@/-]+)\}\}/g, (_, used: string) => {
    const found = versions[used]
    if (found === undefined) throw new Error(`create/template/package.json: the repository does not use ${used}.`)
    return found
  })
}

if (process.argv[1] === import.meta.filename) buildStarter()
