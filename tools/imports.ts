/**
 * Prints what each folder of lib, functions and examples imports, and names every arrow that goes up and every cycle.
 * `npm run imports -- --write` puts the print-out into docs/design.md.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { sources, strip } from './source.ts'

/** From the top to the bottom. A folder's subfolders share its place; imports inside one place are free of floors. */
const FLOORS = [
  ['functions', 'examples'],
  ['lib/cli'],
  ['lib/node.ts', 'lib/lambda.ts', 'lib/testing.ts', 'lib/stdio.ts'],
  ['lib/platform', 'lib/platform/node', 'lib/platform/lambda'],
  ['lib/testing', 'lib/stdio'],
  ['lib/index.ts', 'lib/mcp-handler.ts', 'lib/endpoint.ts', 'lib/redis.ts', 'lib/page.ts', 'lib/mcp-config.ts'],
  ['lib/endpoint-types.ts', 'lib/once.ts'],
  ['lib/page'],
  ['lib/sdk'],
  ['lib/http'],
  ['lib/admin'],
  ['lib/session', 'lib/stateless'],
  ['lib/tasks'],
  ['lib/runtime'],
  ['lib/server', 'lib/store', 'lib/auth', 'lib/connect', 'lib/telemetry'],
  ['lib/options.ts'],
  ['lib/settings.ts', 'lib/settings-calls.ts', 'lib/settings-serve.ts', 'lib/settings-executors.ts', 'lib/protocol'],
  ['lib/base'],
]

/** Arrows between two places of one floor. All others of that kind are refused. */
const NEIGHBOURS = [
  'lib/platform/node -> lib/platform',
  'lib/platform/lambda -> lib/platform',
  'lib/index.ts -> lib/endpoint.ts',
  'lib/index.ts -> lib/mcp-config.ts',
  'lib/index.ts -> lib/mcp-handler.ts',
  'lib/mcp-handler.ts -> lib/endpoint.ts',
  'lib/server -> lib/store',
  'lib/settings.ts -> lib/protocol',
  'lib/settings.ts -> lib/settings-calls.ts',
]

/** From a folder (or a file directly in lib or lib/cli) to what it imports, each with one import as its example. */
type Graph = Map<string, Map<string, string>>

/** What `source` imports: paths from the root, and names of packages. Every relative path to a `.ts` is an import. */
export function importsOf(file: string, source: string): string[] {
  const texts = strip(source, 'blank').matchAll(/(\b(?:from|import)\s*\(?\s*)?(['"`])([^'"`]*)\2/g)
  return [...texts].flatMap(({ index, 1: keyword = '', 3: text = '' }) => {
    const name = source.slice(index + keyword.length + 1, index + keyword.length + 1 + text.length)
    if (/^\.\.?\/.*\.ts$/.test(name)) return [join(dirname(file), name)]
    return keyword === '' || name.startsWith('.') ? [] : [name]
  })
}

export function graphOf(files: ReadonlyMap<string, string>): Graph {
  const nodeOf = (file: string) => (['lib', 'lib/cli'].includes(dirname(file)) ? file : dirname(file))
  const graph: Graph = new Map()
  for (const [file, source] of files) {
    const from = nodeOf(file)
    const targets = graph.get(from) ?? new Map<string, string>()
    graph.set(from, targets)
    for (const target of importsOf(file, source)) {
      const node = nodeOf(target)
      if (node !== from && /^(lib|functions|examples)\//.test(target)) targets.set(node, `${file} imports ${target}`)
    }
  }
  return graph
}

/** Arrows up, arrows between places of one floor that are no neighbours, cycles, and folders without a floor. */
export function faultsOf(graph: Graph): string[] {
  const faults: string[] = []
  for (const [from, targets] of graph) {
    const [place, floor] = placeOf(from)
    if (!place) faults.push(`${from} is on no floor`)
    for (const [to, example] of targets) {
      const [targetPlace, targetFloor] = placeOf(to)
      const free = place === targetPlace || NEIGHBOURS.includes(`${place} -> ${targetPlace}`)
      if (targetFloor >= 0 && targetFloor < floor) faults.push(`${from} -> ${to} goes up: ${example}`)
      else if (targetFloor === floor && !free) faults.push(`${from} -> ${to} stays on its floor: ${example}`)
    }
  }
  return [...faults, ...cyclesOf(graph)]
}

/** The place of a folder or file, and its floor counted from the top. */
function placeOf(node: string): [place: string | undefined, floor: number] {
  const places = FLOORS.flat().filter((name) => `${node}/`.startsWith(`${name}/`))
  const place = places.toSorted((a, b) => b.length - a.length)[0]
  return [place, FLOORS.findIndex((floor) => place && floor.includes(place))]
}

/** The shortest way from each folder back to itself; every cycle is named once. */
function cyclesOf(graph: Graph): string[] {
  const cycles = new Map<string, string>()
  for (const start of graph.keys()) {
    const paths = [[start]]
    const seen = new Set<string>()
    for (const path of paths) {
      for (const [next] of graph.get(path.at(-1) ?? '') ?? []) {
        const key = path.toSorted().join()
        if (next === start && !cycles.has(key)) cycles.set(key, `cycle: ${[...path, start].join(' -> ')}`)
        if (!seen.has(next)) paths.push([...path, next])
        seen.add(next)
      }
    }
  }
  return [...cycles.values()]
}

/** One line for each folder, from the top floor to the bottom; names of folders without `lib/`. */
export function printoutOf(graph: Graph): string {
  const name = (node: string) => node.replace('lib/', '')
  const rows = [...graph].sort(([a], [b]) => placeOf(a)[1] - placeOf(b)[1] || a.localeCompare(b))
  const below = (targets: Iterable<string>) => [...targets].map(name).sort().join(', ') || '-'
  const lines = rows.map(([node, targets]) => `${name(node)} -> ${below(targets.keys())}`)
  const faults = faultsOf(graph)
  return [...lines, '', ...(faults.length > 0 ? faults : ['no cycle, no arrow up'])].join('\n')
}

/** The place of the print-out in docs/design.md. */
export const PRINTOUT = /(?<=<!-- npm run imports -->\n```\n)[\s\S]*?(?=\n```\n)/

export const readGraph = (root: string): Graph => graphOf(sources(root, ['lib', 'functions', 'examples']))

if (process.argv[1] === import.meta.filename) {
  const root = join(import.meta.dirname, '..')
  const printout = printoutOf(readGraph(root))
  console.log(printout)
  if (process.argv[2] === '--write') {
    const file = join(root, 'docs/design.md')
    const text = readFileSync(file, 'utf8').replace(PRINTOUT, () => printout)
    writeFileSync(file, text)
  }
}
