/** Connections as text for a terminal. */
import type { Connection } from '../../connect/types.ts'
import { paragraph } from '../paragraph.ts'

export function connectionText({ title, obstacle, link, steps, notes }: Connection): string {
  const lines = [title]
  if (obstacle !== undefined) lines.push(...paragraph(`Not as it is: ${obstacle}`, '  '))
  if (link) lines.push(`  ${link.text}: ${link.href}`)
  for (const [i, { text, code }] of steps.entries()) {
    lines.push(...paragraph(text, '     ', `  ${i + 1}. `))
    if (code?.file !== undefined) lines.push(`     In ${code.file}:`)
    if (code) lines.push('', ...code.text.split('\n').map((line) => `       ${line}`), '')
  }
  for (const note of notes) lines.push(...paragraph(note, '    ', '  - '))
  return lines.join('\n').trimEnd()
}
