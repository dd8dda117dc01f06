/** infra/systemd: systemd reads the unit, and what the unit starts serves. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { NodeInstance, nodeBundle } from '../../deploy/node-instance.ts'
import { ensureBinary } from '../../support/global.ts'
import { freePort } from '../../support/ports.ts'
import { call, initialize, toolCall } from '../../support/raw.ts'
import { startRedis } from '../../support/redis.ts'
import { environmentOf, readUnit, UNIT } from '../../support/unit.ts'

/** Runs systemd-analyze with the unit of port 8081, whose Node is that of the tests. */
function analyze(...args: string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-anywhere-unit-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'mcp-anywhere@8081.service')
  const text = readFileSync(UNIT, 'utf8')
  expect(text).toContain('ExecStart=/usr/bin/node ')
  writeFileSync(file, text.replace('/usr/bin/node', process.execPath))
  return spawnSync(ensureBinary('systemd-analyze'), [...args, file], { encoding: 'utf8' })
}

test('systemd finds nothing wrong in the unit', () => {
  const { status, stderr } = analyze('verify')
  expect([status, stderr]).toEqual([0, ''])
})

test('the unit is exposed to little: 2.0 of 10 at most', () => {
  const { status, stdout } = analyze('security', '--offline=true', '--no-pager', '--threshold=20')
  expect(status, stdout).toBe(0)
})

test('what the unit starts serves on the port of its name, and ends by itself within its times', async () => {
  const [redis, bundled, port] = await Promise.all([startRedis(), nodeBundle(), freePort()])
  onTestFinished(async () => {
    bundled.remove()
    await redis.stop()
  })
  const settings = readUnit(`${port}`)
  const [command = ''] = settings.get('ExecStart') ?? []
  const [, ...args] = command.split(' ')
  const [flag = '', file = ''] = args
  expect([flag, file]).toEqual(['--enable-source-maps', 'server.mjs'])
  // As /etc/mcp-anywhere/env has them.
  const secrets = { REDIS_URL: redis.url, MCP_SECRET: Buffer.alloc(32, 7).toString('base64') }
  const environment = { ...environmentOf(settings), ...secrets, LAME_DUCK_SECONDS: '0' }
  const instance = await NodeInstance.start(flag, environment, join(dirname(bundled.file), file))
  onTestFinished(() => instance.stop())
  expect(instance.url.port).toBe(`${port}`)
  const answer = await call(instance.url, await initialize(instance.url), toolCall(1, 'echo', { message: 'systemd' }))
  expect(answer.result.content[0].text).toBe('systemd')
  instance.child.kill('SIGTERM')
  expect(await instance.ended()).toBe(0)
})
