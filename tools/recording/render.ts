/** A recording as an animated SVG: style sheets alone, so that it also moves where no script may run, as in a README. */
import type { Moment, Recording } from './record.ts'

const WIDTH = 760
const LINE = 22
const TOP = 150
/** How long the end stays before the animation begins again, in ms. */
const REST = 4_000

const STYLE = `
text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;fill:#d7dde5}
.dim{fill:#8b96a5}.head{font-weight:bold}.bad{fill:#ff7b72}.good{fill:#7ee2a8}.note{fill:#f2cc60}
.box{fill:#161d27;stroke:#3fb07a;stroke-width:2}.dead{fill:#2a1417;stroke:#ff7b72;stroke-width:2}`

/** @returns the SVG. Equal recordings give equal texts. */
export function render(recording: Recording): string {
  const { moments, instances, lease, date, node } = recording
  const length = (moments.at(-1)?.at ?? 0) + REST
  const rules: string[] = []
  /** The class of an element that is there from `from` (ms) to `until`. Without animations it is there unless it ends. */
  const during = (from: number, until?: number): string => {
    const name = `m${rules.length}`
    const at = (ms: number) => `${((100 * ms) / length).toFixed(2)}%`
    const off = until === undefined ? '' : `${at(until)}{opacity:0}`
    const frames = `@keyframes ${name}{0%{opacity:0}${at(from)}{opacity:1}${off}}`
    rules.push(
      `${frames}.${name}{animation:${name} ${length}ms step-end infinite;opacity:${until === undefined ? 1 : 0}}`,
    )
    return name
  }
  const kill = moments.find(({ kind }) => kind === 'kill')
  const body = [
    ...instances.map((name, i) => box(name, 24 + i * 244, moments, during)),
    `<text x="24" y="${TOP - 20}" class="dim">a plain round robin in front, Redis behind, LEASE_SECONDS=${lease}</text>`,
    ...moments.map((moment, i) => line(moment, TOP + 12 + i * LINE, during(moment.at))),
  ]
  const height = TOP + moments.length * LINE + 34
  const title = `A tool call whose instance ${kill?.by ?? ''} is killed, and which another instance ends`
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img">
<title>${title}</title>
<style>${STYLE}
${rules.join('\n')}
@media (prefers-reduced-motion:reduce){*{animation:none!important}}
</style>
<rect width="${WIDTH}" height="${height}" rx="10" fill="#0d1219"/>
${body.join('\n')}
<text x="24" y="${height - 12}" class="dim">a real run of ${date}, Node ${node.replace(/^v/, '')}: npm run recording</text>
</svg>
`
}

type During = (from: number, until?: number) => string

/** An instance, and what it does: it runs the call, or is dead. */
function box(name: string, x: number, moments: readonly Moment[], during: During): string {
  const kill = moments.find(({ kind, by }) => kind === 'kill' && by === name)?.at
  const first = moments.find(({ kind, by }) => kind === 'progress' && by === name)?.at
  const last = moments.findLast(({ kind, by }) => kind === 'result' && by === name)?.at
  const parts = [
    `<rect x="${x}" y="24" width="224" height="70" rx="8" class="box"/>`,
    `<text x="${x + 16}" y="52" class="head">instance ${name}</text>`,
  ]
  const state = (text: string, kind: string, from: number, until?: number) =>
    parts.push(`<g class="${during(from, until)}"><text x="${x + 16}" y="78" class="${kind}">${text}</text></g>`)
  if (first !== undefined) state('runs the call', 'good', kill === undefined ? first : 0, kill ?? last)
  if (last !== undefined) state('has ended the call', 'good', last)
  if (kill !== undefined) {
    const dead = `<rect x="${x}" y="24" width="224" height="70" rx="8" class="dead"/>`
    const text = `<text x="${x + 16}" y="52" class="head bad">instance ${name}</text>`
    const reason = `<text x="${x + 16}" y="78" class="bad">kill -9</text>`
    parts.push(`<g class="${during(kill)}">${dead}${text}${reason}</g>`)
  }
  return parts.join('\n')
}

function line(moment: Moment, y: number, name: string): string {
  const [text, kind] = textOf(moment)
  const seconds = `${(moment.at / 1_000).toFixed(1)} s`.padStart(6)
  return `<g class="${name}"><text x="24" y="${y}" class="dim" xml:space="preserve">${seconds}</text><text x="100" y="${y}" class="${kind}" xml:space="preserve">${text}</text></g>`
}

function textOf(moment: Moment): [text: string, kind: string] {
  switch (moment.kind) {
    case 'call':
      return ['the client calls read_pages', 'head']
    case 'progress':
      return [`progress ${moment.page} of ${moment.pages}, from instance ${moment.by}`, '']
    case 'kill':
      return [`kill -9: instance ${moment.by} is gone`, 'bad']
    case 'resume':
      return [`the client connects again, and reaches instance ${moment.by} (Last-Event-ID)`, 'note']
    case 'result':
      return [`the result, from instance ${moment.by}: nothing was lost, nothing came twice`, 'good']
  }
}
