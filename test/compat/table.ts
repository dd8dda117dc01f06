/** The table of what was run against which server, in a document. */

export interface Row {
  /** As in `Valkey 8.1.1`. */
  server: string
  /** As in `valkey-server/trixie`. */
  from: string
  date: string
  outcome: { tests: number; passed: number; failed: number; skipped: number } | { refused: string }
}

const BEGIN = '<!-- npm run compat -->'
const END = '<!-- /npm run compat -->'
const HEAD = ['| server | from | tests | passed | failed | skipped | on |', '|---|---|--:|--:|--:|--:|---|']

function lineOf({ server, from, date, outcome }: Row): string {
  const cells =
    'refused' in outcome
      ? [`refused: “${outcome.refused}”`, '', '', '']
      : [outcome.tests, outcome.passed, outcome.failed, outcome.skipped]
  return `| ${[server, `\`${from}\``, ...cells, date].join(' | ')} |`
}

export function tableOf(rows: readonly Row[]): string {
  return [...HEAD, ...rows.map(lineOf)].join('\n')
}

/**
 * The document with these rows in its table: a row takes the place of that of the same server from the same place.
 * @throws Error where the document has no place for the table
 */
export function withRows(document: string, rows: readonly Row[]): string {
  const [begin, end] = [document.indexOf(BEGIN), document.indexOf(END)]
  if (begin < 0 || end < begin) throw new Error(`The document has no ${BEGIN} and ${END} behind it.`)
  const nameOf = (line: string) => line.split(' | ').slice(0, 2).join(' | ')
  const old = document
    .slice(begin, end)
    .split('\n')
    .filter((line) => line.startsWith('| ') && line !== HEAD[0])
  const lines = new Map([...old, ...rows.map(lineOf)].map((line) => [nameOf(line), line]))
  const sorted = [...lines.values()].sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
  return `${document.slice(0, begin)}${BEGIN}\n${[...HEAD, ...sorted].join('\n')}\n${document.slice(end)}`
}
