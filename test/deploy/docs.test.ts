/** Documents agree with the files that they describe, and their sums are right. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { defaultsOf, SETTINGS } from '../../lib/settings.ts'
import { root } from '../../tools/build.ts'
import { knownParams } from '../../tools/deploy.ts'
import { settingsDocument, VARIABLES } from '../../tools/settings.ts'

const read = (name: string) => readFileSync(join(root, name), 'utf8')
const text = read('docs/deploy.md')
const serverless = parse(read('serverless.yml'))

const params = knownParams(root)

test('docs/deploy.md explains every param of serverless.yml with its default', () => {
  const rows = text.split('\n').filter((line) => line.startsWith('| `'))
  expect(params.size).toBeGreaterThan(10)
  for (const [name, value] of params) {
    const row = rows.find((line) => line.split('|')[1]?.includes(`\`${name}\``))
    expect(row, name).toBeDefined()
    if (value !== '') expect(row).toContain(value)
  }
})

test('docs/deploy.md has the right prices of the GET policies', () => {
  const perSecond = 0.0000133334 * (Number(params.get('memory')) / 1024)
  const perRequest = 0.2 / 1e6
  const seconds = 22 * 8 * 3600
  const price = (open: number, cycle: number) => ((seconds / cycle) * (open * perSecond + perRequest)).toFixed(2)
  const cell = (start: string) =>
    text
      .split('\n')
      .find((line) => line.startsWith(start))
      ?.split('|') ?? []
  // A stream is closed half a minute before the end of the function.
  const held = Number(params.get('timeout')) - defaultsOf(SETTINGS.session).closeBefore / 1000
  expect(cell('| `hold`')[4]).toContain(`${price(held, held)} USD`)
  const { pollWait, pollRetry } = defaultsOf(SETTINGS.session)
  const { POLL_WAIT_SECONDS, POLL_RETRY_SECONDS } = serverless.provider.environment
  for (const [start, wait, retry] of [
    ['| `poll`, 2 s every 17 s', pollWait / 1000, pollRetry / 1000],
    ['| `poll`, 0.5 s every 30.5 s', Number(POLL_WAIT_SECONDS), Number(POLL_RETRY_SECONDS)],
  ] as const) {
    const [, , , news, usd, occupied] = cell(start)
    expect(usd).toContain(`${price(wait, wait + retry)} USD`)
    // Clients come back spread over a quarter of that time to either side.
    expect(news).toContain(`${Math.ceil(retry * 1.25)} s`)
    expect(Number(occupied)).toBe(Math.round((1_000 * wait) / (wait + retry)))
  }
})

test('the documents have the time after which durable calls are suspended on Lambda, where nothing sets it', () => {
  const [, seconds] = /SUSPEND_AFTER_SECONDS: '(\d+)'/.exec(read('lib/platform/lambda/serve-streaming.ts')) ?? []
  expect(text).toContain(`On Lambda it is ${seconds} s from the start`)
  expect(read('docs/durable.md')).toContain(`\`SUSPEND_AFTER_SECONDS\` (${seconds} on Lambda, off elsewhere)`)
  expect(settingsDocument()).toContain(`On Lambda with streams: ${seconds} s.`)
  // The deployment leaves it as it is.
  expect(serverless.provider.environment).not.toHaveProperty('SUSPEND_AFTER_SECONDS')
})

test('docs/deploy.md names only files and scripts that exist', () => {
  const files = [...text.matchAll(/`((?:infra|tools|functions|test|docs|dist)\/[\w./-]+|serverless\.yml)`/g)]
  expect(files.length).toBeGreaterThan(5)
  for (const [, name = ''] of files)
    if (!name.startsWith('dist/')) expect(existsSync(join(root, name)), name).toBe(true)
  const scripts = JSON.parse(read('package.json')).scripts
  for (const [, name = ''] of text.matchAll(/npm run (\w+)/g)) expect(scripts).toHaveProperty(name)
})

test('docs/settings.md is what tools/settings.ts writes', () => {
  expect(read('docs/settings.md')).toBe(settingsDocument())
})

test.each(['README.md', 'docs/deploy.md', 'docs/security.md', 'docs/design.md'])(
  '%s names no variable that is not read',
  (file) => {
    const named = [...read(file).matchAll(/`([A-Z]+_[A-Z_]+)(?:=\d)?`/g)].flatMap(([, name = '']) => name)
    expect(named.filter((name) => !/^(AWS|NODE)_/.test(name) && !VARIABLES.includes(name))).toEqual([])
  },
)

test('the links within docs/deploy.md have targets', () => {
  const anchors = [...text.matchAll(/^##+ (.*)$/gm)].map(([, title = '']) => title.toLowerCase().replaceAll(' ', '-'))
  for (const [, anchor = ''] of text.matchAll(/\(#([\w-]+)\)/g)) {
    expect(anchors.map((name) => name.replace(/[^\w-]/g, ''))).toContain(anchor)
  }
})
