/** `npm run model [name …]`: runs the searches that the heads of the models in docs/model name, with Spin. */
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureBinary } from '../test/support/global.ts'

const folder = join(import.meta.dirname, '../docs/model')
const GCC = '-O1 -w -DSAFETY -DCOLLAPSE -DVECTORSZ=4096 -DMEMLIM=4000 -o pan pan.c'.split(' ')
const spin = ensureBinary('spin')
const gcc = ensureBinary('gcc')

/** A search that ran out of time, memory or depth without an error has shown nothing. */
function search(model: string, flags: string[]): { outcome: string; figures: string } {
  const cwd = mkdtempSync(join(tmpdir(), 'mcp-anywhere-model-'))
  const run = (program: string, args: string[]) =>
    spawnSync(program, args, { cwd, encoding: 'utf8', timeout: 600_000 }).stdout
  copyFileSync(join(folder, model), join(cwd, model))
  run(spin, ['-a', ...flags, model])
  run(gcc, GCC)
  const text = run('./pan', ['-m400000']) ?? ''
  rmSync(cwd, { recursive: true })
  const errors = /errors: (\d+)/.exec(text)?.[1]
  const cut = /Search not completed|search depth too small/.test(text)
  const outcome = errors === '0' && !cut ? 'finishes' : Number(errors) > 0 ? 'fails' : 'is not finished'
  return { outcome, figures: `${/\d+(?= states, stored)/.exec(text)} states, ${/[\d.]+(?= seconds)/.exec(text)} s` }
}

const chosen = process.argv.slice(2)
const all = readdirSync(folder).filter((name) => name.endsWith('.pml'))
for (const model of all.filter((name) => chosen.length === 0 || chosen.includes(name.replace('.pml', '')))) {
  const text = readFileSync(join(folder, model), 'utf8')
  for (const [, expected, flags = ''] of text.matchAll(/^ \* {3}(finishes|fails)((?: -D[\w=]+)*)/gm)) {
    const { outcome, figures } = search(model, flags.trim().split(' ').filter(Boolean))
    console.log(`${outcome === expected ? 'ok' : 'NO'}\t${model}${flags} ${outcome}: ${figures}`)
    if (outcome !== expected) process.exitCode = 1
  }
}
