/** docs/model: the table names code that exists, and each model is complete. `npm run model` runs the models. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')
const folder = join(root, 'docs/model')
const readme = readFileSync(join(folder, 'README.md'), 'utf8')
const models = readdirSync(folder).filter((name) => name.endsWith('.pml'))
const rows = readme.split('\n').filter((line) => /^\| (?!model |guard |---)/.test(line))
const sources = readdirSync(join(root, 'lib'), { recursive: true, encoding: 'utf8' }).filter((name) =>
  name.endsWith('.ts'),
)

/** Whether a TypeScript file, or the Lua in it, declares a function, method or script of this name. */
function declares(file: string, name: string): boolean {
  const text = readFileSync(join(root, 'lib', file), 'utf8')
  const declared = [
    `(function|const|local function) ${name}\\b`,
    `^  (async |override |protected )*${name}[(<]`,
    `^ +(async )?${name}(\\(.*\\{$|: (async )?\\()`,
  ]
  return new RegExp(declared.join('|'), 'm').test(text)
}

test('every file and function that the table names is in the code', () => {
  const named = rows.flatMap((row) => [...row.matchAll(/`([\w./-]+): (#?\w+)`/g)])
  expect(named.length).toBeGreaterThan(rows.length)
  const missing = named.filter(([, place = '', name = '']) => {
    const files = sources.filter((file) => `/${file}`.endsWith(`/${place}`) || file.startsWith(`${place}/`))
    return !files.some((file) => declares(file, name))
  })
  expect(missing.map(([text]) => text)).toEqual([])
})

test('every row of the table names a function, and every model has rows', () => {
  expect(rows.filter((row) => !/`[\w./-]+: #?\w+`/.test(row))).toEqual([])
  for (const model of models)
    expect(rows.filter((row) => row.startsWith(`| ${model.replace('.pml', '')} |`))).not.toEqual([])
})

test('every guard has a test, whose file is there', () => {
  const guards = rows.slice(
    readme
      .slice(0, readme.indexOf('| guard |'))
      .split('\n')
      .filter((line) => rows.includes(line)).length,
  )
  expect(guards.length).toBeGreaterThan(20)
  for (const row of guards) {
    const named = [...row.matchAll(/`(test\/[\w./-]+)`/g)].map(([, file = '']) => file)
    expect(named, row).not.toEqual([])
    expect(named.filter((file) => !existsSync(join(root, file)))).toEqual([])
  }
})

test('every variant that a model has is searched, and every search names variants that the model has', () => {
  for (const model of models) {
    const text = readFileSync(join(folder, model), 'utf8')
    const present = [...text.matchAll(/^#if(?:n?def) (\w+)/gm)].map(([, name]) => name)
    const searched = [...text.matchAll(/^ \* {3}(?:finishes|fails)(.*)/gm)].flatMap(([, flags = '']) =>
      [...flags.matchAll(/ -D(\w+)/g)].map(([, name]) => name),
    )
    const faults = ['DROP', 'KILL', 'SUSP', 'LOST', 'FAIL', 'DIE', 'GAP', 'DRAIN', 'CANCEL', 'DEL', 'DUP', 'TTL']
    const bounds = ['N', 'K', 'POLLERS', 'ATTEMPTS', ...faults.map((fault) => `MAX${fault}`)]
    expect(new Set(searched.filter((name) => !bounds.includes(name ?? ''))), model).toEqual(
      new Set(present.filter((name) => !bounds.includes(name ?? ''))),
    )
  }
})
