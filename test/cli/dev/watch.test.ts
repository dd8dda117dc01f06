/** The watch over the files of a bundle. */
import { mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Watcher } from '../../../lib/cli/dev/watch.ts'

let folder: string
let watcher: Watcher
let changed: () => void
let errors: Error[]

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'watch-')))
  errors = []
  watcher = new Watcher(
    () => changed(),
    (error) => errors.push(error),
  )
  mkdirSync(join(folder, 'src'))
  writeFileSync(join(folder, 'src/a.ts'), '1')
})
afterEach(() => {
  watcher.close()
  rmSync(folder, { recursive: true, force: true })
  expect(errors).toEqual([])
})

/** Resolves when the watcher reports a change that `act` has made. */
function change(act: () => void): Promise<void> {
  return new Promise((resolve) => {
    changed = resolve
    act()
  })
}

const at = (name: string) => join(folder, name)

test('a file that is written, replaced or removed is a change', async () => {
  expect(watcher.watch([at('src/a.ts')])).toBe(true)
  expect(watcher.watch([at('src/a.ts')])).toBe(false)
  await change(() => writeFileSync(at('src/a.ts'), '2'))
  await change(() => {
    writeFileSync(at('src/new.ts'), '3')
    renameSync(at('src/new.ts'), at('src/a.ts'))
  })
  await change(() => rmSync(at('src/a.ts')))
})

test('a source file that is new counts where a bundle lacks one', async () => {
  watcher.watch([at('src/a.ts')], [at('src')])
  await change(() => writeFileSync(at('src/missing.ts'), ''))
})

test('a folder that is removed and comes back is watched again', async () => {
  watcher.watch([at('src/a.ts')])
  await change(() => rmSync(at('src'), { recursive: true }))
  expect(watcher.watch([at('src/a.ts')])).toBe(false)
  await change(() => mkdirSync(at('src')))
  expect(watcher.watch([at('src/a.ts')])).toBe(true)
  await change(() => writeFileSync(at('src/a.ts'), '4'))
})
