/** The report in files, and in the documents that show it: each block between two comments is replaced. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { comparisonChart } from './compare/chart.ts'
import { comparisonText, factsText, releasesText } from './compare/text.ts'
import { stepsText } from './operations/durable.ts'
import { tasksText } from './operations/tasks.ts'
import { busText, operationsText } from './operations/text.ts'
import { chart, machineText, type Report, racesText, table } from './report.ts'
import { simulationText } from './simulation/text.ts'

type Block =
  | 'machine'
  | 'races'
  | 'figures'
  | 'operations'
  | 'durable'
  | 'tasks'
  | 'bus'
  | 'simulation'
  | 'comparison'
  | 'sessions'
  | 'releases'

/** The text of each block; undefined for what was not measured. */
const BLOCKS: Record<Block, (report: Report) => string | undefined> = {
  machine: machineText,
  races: ({ races }) => (races.length > 0 ? racesText(races) : undefined),
  figures: ({ figures }) => (figures.length > 0 ? table({ races: [], figures }).trim() : undefined),
  operations: ({ ceilings }) => ceilings && operationsText(ceilings.operations),
  durable: ({ durable }) => durable && stepsText(durable),
  tasks: ({ tasks }) => tasks && tasksText(tasks),
  bus: ({ ceilings }) => ceilings && busText(ceilings.bus),
  simulation: ({ ceilings }) => ceilings && simulationText(ceilings),
  comparison: ({ comparison }) => comparison && comparisonText(comparison),
  sessions: ({ comparison }) => comparison && factsText(comparison),
  releases: ({ comparison }) => comparison && releasesText(comparison),
}

/**
 * Writes `<out>.json` and `<out>.svg`, and the figures into the document `<out>.md`, where it is there. The comparison with other
 * packages has files of its own beside them: `comparison.json`, a chart for light and one for dark pages, and `comparison.md`.
 * What was not measured is left as it is.
 */
export function writeReport(out: string, report: Report): void {
  const { comparison, ...rest } = report
  const { races, figures, ceilings, durable, tasks } = report
  if (races.length > 0 || figures.length > 0 || ceilings || durable || tasks) {
    writeJson(`${out}.json`, rest)
    writeFileSync(`${out}.svg`, chart(report))
    renew(`${out}.md`, report)
  }
  if (!comparison) return
  const beside = (name: string) => join(dirname(out), name)
  const { machine, node, date, rounds, connections } = report
  writeJson(beside('comparison.json'), { machine, node, date, rounds, connections, ...comparison })
  for (const theme of ['light', 'dark'] as const)
    writeFileSync(beside(`comparison-${theme}.svg`), comparisonChart(comparison.races, report, theme))
  renew(beside('comparison.md'), report)
}

const writeJson = (file: string, value: object) => writeFileSync(file, `${JSON.stringify(value, undefined, 2)}\n`)

function renew(document: string, report: Report): void {
  if (existsSync(document)) writeFileSync(document, withReport(readFileSync(document, 'utf8'), report))
}

/**
 * The document with this report: `<!-- npm run bench: NAME -->` begins a block, `<!-- /npm run bench: NAME -->` ends it. All figures of
 * a document are of one run: a block of what was not measured says so.
 *
 * @throws Error for a block that is unknown or has no end
 */
export function withReport(document: string, report: Report): string {
  const blocks = new Map(Object.entries(BLOCKS))
  return document.replaceAll(
    /(<!-- npm run bench: (\w+) -->\n)[\s\S]*?(<!-- \/?npm run bench[^>]*-->)/g,
    (_all, begin: string, name: string, end: string) => {
      const block = blocks.get(name)
      if (!block || end !== `<!-- /npm run bench: ${name} -->`)
        throw new Error(`The block ${name} of the document is unknown or has no end.`)
      return `${begin}${block(report) ?? 'Not measured in this run.'}\n${end}`
    },
  )
}
