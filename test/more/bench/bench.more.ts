import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, expect, test } from 'vitest'

const folder = mkdtempSync(join(tmpdir(), 'mcp-anywhere-bench-'))
afterAll(() => rmSync(folder, { recursive: true }))

test('the benchmark measures every workload and every figure', {
  timeout: 600_000,
}, async () => {
  const run = fileURLToPath(new URL('../../bench/run.ts', import.meta.url))
  const out = join(folder, 'result')
  const options = { env: { ...process.env, NODE_OPTIONS: '' }, maxBuffer: 1e7 }
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [run, '--short', '--seconds', '0.5', '--out', out],
    options,
  )
  const report = JSON.parse(readFileSync(`${out}.json`, 'utf8'))
  expect(report.races.map(({ workload }: { workload: string }) => workload)).toEqual([
    'stateless',
    'session',
    'session',
    'initialize',
    'list',
    'stream',
  ])
  for (const { variants } of report.races) {
    // On a loaded machine, another server may not answer in the short time of this test.
    const own = variants.filter(({ name }: { name: string }) => /^(ours|raw)/.test(name))
    expect(own.length).toBeGreaterThan(0)
    for (const { name, rate } of own) expect(rate.median, name).toBeGreaterThan(0)
  }
  const figure = (start: string) =>
    report.figures.find(({ name }: { name: string }) => name.startsWith(start)) as { value: string; met: boolean }
  expect(figure('ask answered on another instance').value).toBe('3 (ask appended, answer stored, mail to the owner)')
  expect(figure('idle session in Redis')).toMatchObject({ met: true })
  expect(figure('the ordinary client’s requests that got 429 or 5xx').value).toBe('0')
  expect(figure('ordinary calls that were refused meanwhile').value).toBe('0')
  expect(figure('errors that the instances reported').value).toBe('0')
  // A script for each heartbeat would be 120 a second.
  expect(figure('60 idle GET streams on three instances, one Redis').value).toMatch(/^\d+ \(120 heartbeats\)$/)
  for (const line of ['1.x', '2.x']) {
    expect(figure(`tool call: ${line}, shared`).value).toMatch(/^\d+ us, \d\.\d\d of our own/)
    expect(figure(`tools/list of 50 tools: ${line}, per session`).value).toMatch(/^\d+ us, /)
    expect(figure(`memory of a cached instance with 50 tools: ${line}`).value).toMatch(/KB$/)
  }
  const compared = JSON.parse(readFileSync(join(folder, 'comparison.json'), 'utf8'))
  for (const { name, session } of compared.facts) {
    if (/mcp-anywhere/.test(name)) expect(session, name).toEqual({ survives: true, checked: true })
  }
  expect(compared.facts.length).toBeGreaterThan(9)
  for (const theme of ['light', 'dark'])
    expect(readFileSync(join(folder, `comparison-${theme}.svg`), 'utf8')).toMatch(/^<svg [\s\S]*>mcp-anywhere<\/text>/)
  const names = [
    'initialize',
    'echo',
    'registered',
    'streamAtOnce',
    'streamSpaced',
    'ask',
    'cancel',
    'update',
    'instance',
  ]
  const { operations, bus } = report.ceilings as { operations: { name: string; redis: number }[]; bus: object[] }
  expect(operations.map(({ name }) => name)).toEqual([...names, 'heartbeat', 'listChange'])
  for (const { name, redis } of operations.slice(0, 7)) expect(redis, name).toBeGreaterThan(0)
  expect(bus).toMatchObject([{ receivers: 2 }, { receivers: 10 }])
  expect(stdout).toContain('The first limit')
  expect(stdout).toContain('| ours |')
  expect(readFileSync(`${out}.svg`, 'utf8')).toMatch(/^<svg /)
})

test('the comparison with another checkout prints every row, and says what a checkout lacks', {
  timeout: 180_000,
}, async () => {
  const run = fileURLToPath(new URL('../../bench/run.ts', import.meta.url))
  const own = fileURLToPath(new URL('../../..', import.meta.url))
  const options = { env: { ...process.env, NODE_OPTIONS: '' } }
  // One short round decides nothing, so the status may be either.
  const { stdout } = await promisify(execFile)(process.execPath, [run, '--short', '--against', own], options).catch(
    (error) => error as { stdout: string },
  )
  const rows = stdout
    .split('\n')
    .flatMap((line) => /^\| (.+?) \| \d\S* \(\S+\) \| \d\S* \(\S+\) \| 1 \|/.exec(line)?.[1] ?? [])
  const names = ['stateless', 'session', 'session, sealed', 'session in memory', 'initialize', 'list', 'stream']
  expect(rows).toEqual([...names, 'cold start'])
  const refused = promisify(execFile)(process.execPath, [run, '--against', folder], options)
  await expect(refused).rejects.toMatchObject({ code: 1, stderr: expect.stringMatching(/^.* is no checkout .*\n$/) })
})
