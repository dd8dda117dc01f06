/** The report in the document that shows it: each block between two comments is replaced. */

import { stepsText } from './operations/durable.ts'
import { busText, operationsText } from './operations/text.ts'
import type { Report } from './report.ts'
import { machineText, racesText, table } from './report.ts'
import { simulationText } from './simulation/text.ts'

type Block = 'machine' | 'races' | 'figures' | 'operations' | 'durable' | 'bus' | 'simulation'

/** The text of each block; undefined for what was not measured. */
const BLOCKS: Record<Block, (report: Report) => string | undefined> = {
  machine: machineText,
  races: ({ races }) => (races.length > 0 ? racesText(races) : undefined),
  figures: ({ figures }) => (figures.length > 0 ? table({ races: [], figures }).trim() : undefined),
  operations: ({ ceilings }) => ceilings && operationsText(ceilings.operations),
  durable: ({ durable }) => durable && stepsText(durable),
  bus: ({ ceilings }) => ceilings && busText(ceilings.bus),
  simulation: ({ ceilings }) => ceilings && simulationText(ceilings),
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
