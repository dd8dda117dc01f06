/** Packages in bundles: express, what the Redis client has too, and native code. */
import { chmodSync, existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { projectsOfTests } from '../../cli/project.ts'
import { SERVER, saying, textOf } from '../../cli/saying.ts'

const project = projectsOfTests()

describe('packages', () => {
  test('of an author are whole where the Redis client has a part of them, and express works in a bundle', async () => {
    const made = project(
      {
        'server.ts': saying(
          `[log.namespace, typeof debug('b').extend, express().get('env'), new Denque([1, 2]).toArray().length].join()`,
          `import debug from 'debug'\nimport express from 'express'\nimport Denque from 'denque'\nconst log = require('debug')('a')\nlog('written')`,
        ),
      },
      ['zod', 'debug', 'denque', 'express'],
    )
    expect((await made.run('build', 'server.ts', '--target', 'node')).code).toBe(0)
    const url = await made.serve(['dist/node/server.mjs'], { DEBUG: 'a', NODE_ENV: 'production' })
    expect(await textOf(url, 'said')).toBe('a,function,production,2')
  })

  test('with their own ioredis get it as it is', async () => {
    const made = project({
      'server.ts': saying(
        `[Redis.old, commander.old].join()`,
        `import Redis from 'ioredis'\nimport commander from 'ioredis/built/utils/Commander.js'`,
      ),
      'node_modules/ioredis/package.json': '{"name":"ioredis","version":"3.0.0","main":"built/index.js"}',
      'node_modules/ioredis/built/index.js': 'exports.old = "client"',
      'node_modules/ioredis/built/utils/Commander.js': 'exports.old = "commander"',
    })
    expect((await made.run('build', 'server.ts', '--target', 'node')).code).toBe(0)
    expect(await textOf(await made.serve(['dist/node/server.mjs']), 'said')).toBe('client,commander')
  })
})

describe('a package with native code', () => {
  const native = {
    'server.ts': saying('fast.version + slow.version', `import * as fast from 'fast'\nimport slow from 'slow'`),
    'node_modules/fast/package.json':
      '{"name":"fast","version":"1.2.3","main":"index.js","dependencies":{"bindings":"1"}}',
    'node_modules/fast/index.js': `exports.version = require('fs').existsSync(__dirname + '/fast.node') ? 'fast' : 'lost'`,
    'node_modules/fast/fast.node': '',
    'node_modules/slow/package.json': '{"name":"slow","version":"1.0.0","main":"index.js"}',
    'node_modules/slow/index.js': `exports.version = require('inner').version`,
    'node_modules/slow/node_modules/inner/package.json': '{"name":"inner","version":"4.5.6","gypfile":true}',
    'node_modules/slow/node_modules/inner/index.js': `exports.version = ' and inner'`,
  }

  test('is loaded from where it is by start', async () => {
    const made = project(native)
    expect(await textOf(await made.serve(['start', 'server.ts']), 'said')).toBe('fast and inner')
  })

  test('is installed beside the bundle by build --install, for the platform that runs it', async () => {
    const made = project({ ...native, 'bin/npm': '#!/bin/sh\necho "npm $@"\n' })
    chmodSync(join(made.folder, 'bin/npm'), 0o755)
    const env = { PATH: `${join(made.folder, 'bin')}:${process.env.PATH}` }
    const { code, stdout } = await made.run('build', 'server.ts', '--install', env)
    expect(code).toBe(0)
    expect(stdout.match(/^npm .*/gm)).toEqual([
      'npm install --omit=dev --prefix dist/node --no-audit --no-fund',
      'npm install --omit=dev --prefix dist/lambda --os=linux --cpu=arm64 --libc=glibc --no-audit --no-fund',
    ])

    made.write({ 'bin/npm': '#!/bin/sh\nexit 1\n' })
    expect(await made.run('build', 'server.ts', '--install', env)).toMatchObject({
      code: 1,
      stderr: 'npm cannot install the packages of dist/node/package.json, which have native code.\n',
    })
    // A bundle that needs no packages needs no npm.
    expect(await project({ 'server.ts': SERVER }).run('build', 'server.ts', '--install', env)).toMatchObject({
      code: 0,
    })
  })

  test('is named with what to install beside the bundle, and is loaded from there', async () => {
    const made = project(native)
    const { code, stdout } = await made.run('build', 'server.ts')
    expect(code).toBe(0)
    expect(stdout).toContain(
      'Not in the bundle, because of native code: fast 1.2.3, inner 4.5.6. On the platform that runs it: npm install --omit=dev --prefix dist/node\n',
    )
    expect(stdout).toContain('npm install --omit=dev --prefix dist/lambda --os=linux --cpu=arm64 --libc=glibc\n')
    expect(JSON.parse(readFileSync(join(made.folder, 'dist/node/package.json'), 'utf8'))).toEqual({
      private: true,
      dependencies: { fast: '1.2.3', inner: '4.5.6' },
    })
    const beside = join(made.folder, 'dist/node/node_modules')
    made.write({
      'dist/node/node_modules/fast/index.js': `exports.version = 'beside'`,
      'dist/node/node_modules/inner/index.js': `exports.version = ' the bundle'`,
    })
    expect(await textOf(await made.serve(['dist/node/server.mjs']), 'said')).toBe('beside the bundle')

    // What was installed stays for the next build, and goes with the last package that needs it.
    await made.run('build', 'server.ts', '--target', 'node')
    expect(existsSync(beside)).toBe(true)
    made.write({ 'server.ts': saying('1') })
    await made.run('build', 'server.ts', '--target', 'node')
    expect(existsSync(beside)).toBe(false)
    expect(existsSync(join(made.folder, 'dist/node/package.json'))).toBe(false)
  })

  test('whose file is named by its path is copied, with a line that says for which platform', async () => {
    const made = project({
      'server.ts': saying('require("./native/answer.node").length'),
      'native/answer.node': 'no real module',
    })
    const { stdout } = await made.run('build', 'server.ts', '--target', 'node')
    expect(stdout).toMatch(/^answer\.node of .*answer\.node is native code, and was copied as it is: for \w+-\w+\.$/m)
    const copies = readdirSync(join(made.folder, 'dist/node')).filter((name) => name.endsWith('.node'))
    expect(copies).toEqual([expect.stringMatching(/^answer-\w+\.node$/)])
  })
})
