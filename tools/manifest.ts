/** The manifest of the npm package, made from that of the repository. */

/** What the published manifest takes from the manifest of the repository, whose entries are files of lib. */
export interface Manifest {
  name: string
  version: string
  description: string
  license: string
  type: string
  exports: Record<string, string>
  bin?: Record<string, string>
  dependencies: Record<string, string>
}

/** The compiled package runs where Node does not strip types, too. */
const ENGINES = { node: '>=22' }

/** Files that are imported for what they do. */
const EFFECTS = ['./dist/store/redis/ioredis.js', './dist/store/redis/require/*.js']

/** Packages that a part of this one uses, for those who use that part. */
const PEERS = {
  // mcp-anywhere/testing
  '@modelcontextprotocol/client': '2',
  // mcp-anywhere dev, start and build
  esbuild: '>=0.25',
  // METRICS_PORT and METRICS_TOKEN
  'prom-client': '15',
  // Spans and metrics: the copy that the author's SDK uses.
  '@opentelemetry/api': '1',
  // Schemas of zod 3 and of valibot: the release that fits depends on the author's zod.
  'zod-to-json-schema': '*',
  '@valibot/to-json-schema': '*',
}

/** The bundle for Lambda rewrites files of this package, so it must be this version. */
const EXACT = ['ioredis']

/**
 * The dependencies of those who install the package: newer releases of the same major version, so that an app which uses Hono
 * too has one copy of it, and repairs need no release of this package.
 */
function rangesOf(dependencies: Record<string, string>): Record<string, string> {
  const ranges = Object.entries(dependencies).map(([name, version]) => [
    name,
    EXACT.includes(name) ? version : `^${version}`,
  ])
  return Object.fromEntries(ranges)
}

/** The published manifest. It has no scripts: nothing runs when the package is installed. */
export function published(manifest: Manifest): object {
  const { name, version, description, license, type, exports, bin = {}, dependencies } = manifest
  const entries = Object.entries(exports).map(([entry, file]) => [
    entry,
    { types: compiled(file, '.d.ts'), default: compiled(file, '.js') },
  ])
  const programs = Object.entries(bin).map(([program, file]) => [program, compiled(file, '.js').slice('./'.length)])
  return {
    name,
    version,
    description,
    keywords: ['mcp', 'model-context-protocol', 'mcp-server', 'serverless', 'lambda', 'redis'],
    license,
    type,
    engines: ENGINES,
    files: ['dist', 'docs'],
    // Importing the other files has no effect: a bundler may leave out what is not used.
    sideEffects: [...programs.map(([, file]) => `./${file}`), ...EFFECTS],
    exports: { ...Object.fromEntries(entries), './package.json': './package.json' },
    ...(programs.length > 0 && { bin: Object.fromEntries(programs) }),
    dependencies: rangesOf(dependencies),
    peerDependencies: PEERS,
    peerDependenciesMeta: Object.fromEntries(Object.keys(PEERS).map((peer) => [peer, { optional: true }])),
  }
}

/** The compiled file of a source file. */
function compiled(file: string, ending: string): string {
  return file.replace(/^\.\/lib\/(.*)\.ts$/, `./dist/$1${ending}`)
}
