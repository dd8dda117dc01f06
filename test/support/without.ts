/**
 * Removes each of some protections in a copy of the source: the test that covers it must fail. A mutation whose text is not in the source
 * fails as well, so that the table follows the code.
 */
import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

export interface Protection {
  name: string
  file: string
  /** Source texts and their replacements. Each text must occur once. */
  without: [string, string][]
  also?: Pick<Protection, 'file' | 'without'>
  /** The test file that must fail, and a pattern for the name of the test. */
  failing: string
  called?: string
}

const root = new URL('../../', import.meta.url).pathname

/** Defines a test for each. */
export function withoutEach(protections: readonly Protection[]): void {
  let copy: string

  beforeAll(() => {
    copy = mkdtempSync(join(tmpdir(), 'mcp-anywhere-without-'))
    for (const part of ['lib', 'test', 'functions', 'package.json', 'tsconfig.json', 'vitest.config.ts']) {
      cpSync(join(root, part), join(copy, part), { recursive: true })
    }
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
  })
  afterAll(() => rmSync(copy, { recursive: true, force: true }))

  function run(file: string, called: string | undefined): Promise<{ code: number | null; output: string }> {
    const only = called === undefined ? [] : ['-t', called]
    const vitest = join(root, 'node_modules/vitest/vitest.mjs')
    const child = spawn(process.execPath, [vitest, 'run', '--bail', '1', '--testTimeout', '8000', file, ...only], {
      cwd: copy,
      env: { ...process.env, NO_COLOR: '1', VITEST: undefined, VITEST_POOL_ID: undefined, VITEST_WORKER_ID: undefined },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    child.stdout.on('data', (chunk) => (output += chunk))
    child.stderr.on('data', (chunk) => (output += chunk))
    return new Promise((resolve) => child.on('exit', (code) => resolve({ code, output })))
  }

  describe('a test fails without the protection:', () => {
    test.each(protections)(
      '$name',
      async ({ file, without, also, failing, called }) => {
        const changes = [{ file, without }, ...(also ? [also] : [])]
        for (const change of changes) {
          let source = readFileSync(join(root, change.file), 'utf8')
          for (const [text, replacement] of change.without) {
            expect(source.split(text).length, `${text} is not in ${change.file}, or more than once`).toBe(2)
            source = source.replace(text, () => replacement)
          }
          writeFileSync(join(copy, change.file), source)
        }
        try {
          const { code, output } = await run(failing, called)
          expect(code, output).toBe(1)
          // A test has failed: the exit code alone could come from a file that cannot be loaded.
          expect(output).toMatch(/Tests .*\d+ failed/)
        } finally {
          for (const change of changes) cpSync(join(root, change.file), join(copy, change.file))
        }
      },
      90_000,
    )
  })
}
