/** The comparison as a chart, for a light and for a dark page. */
import type { RaceResult } from '../throughput.ts'
import { type Row, rounded, rowsOf } from './text.ts'

export type Theme = 'light' | 'dark'

interface Palette {
  text: string
  faint: string
  own: string
  other: string
  line: string
}

const PALETTES: Record<Theme, Palette> = {
  light: { text: '#1f2328', faint: '#59636e', own: '#1a7f5a', other: '#afb8c1', line: '#d1d9e0' },
  dark: { text: '#f0f6fc', faint: '#9198a1', own: '#3fb68b', other: '#545d68', line: '#3d444d' },
}

/** In pixels. Names end at `names`, bars begin at `bars`, and the longest is `most` wide. */
const WIDTH = 800
const AT = { names: 252, bars: 262, most: 446, margin: 16 }
const ROW = { height: 24, bar: 15 }

/** What a chart says besides its bars. */
export interface Caption {
  machine: string
  node: string
  date: string
}

const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')

/** The background is that of the page. */
export function comparisonChart(races: readonly RaceResult[], caption: Caption, theme: Theme): string {
  const colours = PALETTES[theme]
  const parts: string[] = []
  let y = 30
  const text = (x: number, at: number, kind: string, value: string) =>
    parts.push(`<text x="${x}" y="${at}" class="${kind}">${escaped(value)}</text>`)
  for (const race of races) {
    text(AT.margin, y, 'title', `${race.title}: calls per second, server on one core`)
    y += 14
    const rows = rowsOf(race)
    const most = Math.max(...rows.map(({ rate }) => rate))
    for (const [i, row] of rows.entries()) {
      if (rows[i - 1]?.group !== row.group) {
        y += 16
        text(AT.bars, y, 'group', row.group)
        y += 8
      }
      parts.push(bar(row, y, most, colours))
      y += ROW.height
    }
    y += 34
  }
  const height = y
  text(AT.margin, y - 14, 'group', `${caption.machine}, Node ${caption.node}, ${caption.date}`)
  const label = races.map((race) => `${race.title}: ${rowsOf(race).map(inWords).join(', ')}`).join('. ')
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img" font-family="system-ui, sans-serif" font-size="13">
<title>${escaped(label)}</title>
<style>text{fill:${colours.text}}.title{font-weight:600;font-size:15px}.group{fill:${colours.faint};font-size:12px}.name{text-anchor:end}.own{font-weight:600}</style>
${parts.join('\n')}
</svg>
`
}

const inWords = ({ name, rate }: Row) => `${name} ${rounded(rate)}`

function bar({ name, own, rate }: Row, y: number, most: number, { own: ours, other }: Palette): string {
  const width = Math.max(2, (rate / most) * AT.most)
  const middle = y + 12
  const kind = own ? ' own' : ''
  return [
    `<text x="${AT.names}" y="${middle}" class="name${kind}">${escaped(name)}</text>`,
    `<rect x="${AT.bars}" y="${y}" width="${width.toFixed(1)}" height="${ROW.bar}" rx="2" fill="${own ? ours : other}"/>`,
    `<text x="${(AT.bars + width + 8).toFixed(1)}" y="${middle}" class="${kind.trim()}">${rounded(rate)}</text>`,
  ].join('\n')
}
