/** `npm run check` finds the faults of a deployment from outside. */
import { execFileSync, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { root } from '../../tools/build.ts'
import { checkDeployment } from '../../tools/check.ts'
import { type LambdaTests, lambdaTests } from '../lambda/bundled.ts'
import { NodeInstance, nodeBundle } from './node-instance.ts'

const STREAM = 'the first bytes of a stream arrive long before its end'

describe('a deployment', () => {
  let tests: LambdaTests
  beforeAll(async () => {
    tests = await lambdaTests()
  })
  afterAll(() => tests.stop())

  test('on Lambda with streaming passes all checks', async () => {
    const { url } = await tests.start({ limit: 12, env: { POLL_WAIT_SECONDS: '2' } })
    const findings = await checkDeployment(url)
    expect(findings.filter(({ ok }) => ok !== true)).toEqual([])
    expect(findings.map(({ what }) => what)).toContain(STREAM)
  })

  test('on Lambda without streaming passes all checks, and that of streams is left out', async () => {
    const { url } = await tests.start({ front: 'http', handler: 'lambda-buffered.handler', limit: 12 })
    const findings = await checkDeployment(url)
    expect(findings.filter(({ ok }) => ok !== true)).toMatchObject([{ what: STREAM, ok: undefined }])
  })

  test('that refuses concurrent requests fails the check of concurrency', async () => {
    const { url } = await tests.start({ size: 1, limit: 2 })
    const findings = await checkDeployment(url)
    expect(findings.find(({ what }) => what.startsWith('10 requests'))).toMatchObject({ ok: false })
  })
})

test('the program prints one line for each check, and its exit code says whether all passed', async () => {
  const { file, remove } = await nodeBundle()
  const instance = await NodeInstance.start(file)
  try {
    const check = join(root, 'tools/check.ts')
    const output = execFileSync(process.execPath, [check, instance.url.href], { encoding: 'utf8' })
    expect(
      output
        .trim()
        .split('\n')
        .every((line) => line.startsWith('ok\t')),
    ).toBe(true)
    expect(spawnSync(process.execPath, [check, instance.at('/elsewhere').href]).status).toBe(1)
    expect(spawnSync(process.execPath, [check, 'nowhere']).status).toBe(2)
  } finally {
    await instance.stop()
    remove()
  }
})
