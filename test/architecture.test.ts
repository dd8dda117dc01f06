/** The house of docs/design.md: imports point down, and what belongs to one floor stays there. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'
import { expect, test } from 'vitest'

const root = new URL('..', import.meta.url).pathname

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name))
}

/** From the top to the bottom; what shares a floor may know its neighbours. */
const FLOORS: RegExp[][] = [
  [/^functions\//],
  [/^lib\/platform\//],
  [/^lib\/(index|endpoint)\.ts$/],
  [/^lib\/http\//],
  [/^lib\/(session|stateless)\//],
  [/^lib\/runtime\//],
  [/^lib\/(server|store|auth)\//],
  [/^lib\/(settings\.ts$|protocol\/)/],
  [/^lib\/base\//],
]

function floorOf(file: string): number {
  return FLOORS.findIndex((floor) => floor.some((pattern) => pattern.test(file)))
}

function imports(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8')
  return [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].flatMap(([, name]) => name ?? [])
}

const files = [...sources('lib'), ...sources('functions')]

test('every file has its floor, and imports point down', () => {
  const upward: string[] = []
  for (const file of files) {
    expect(floorOf(file), `${file} is on no floor`).toBeGreaterThanOrEqual(0)
    for (const name of imports(file)) {
      if (!name.startsWith('.')) continue
      const target = relative(root, normalize(join(root, dirname(file), name)))
      if (floorOf(target) < floorOf(file)) upward.push(`${file} imports ${target}`)
    }
  }
  expect(upward).toEqual([])
})

test('only lib/store/redis knows the Redis client, only the top knows Hono, and the wire knows nobody', () => {
  for (const file of files) {
    const names = imports(file)
    if (!file.startsWith('lib/store/redis/')) expect(names, file).not.toContain('ioredis')
    if (!/^lib\/http\/|^lib\/endpoint\.ts$|^lib\/platform\/node\//.test(file)) {
      expect(
        names.filter((name) => name === 'hono' || name.startsWith('hono/') || name.startsWith('@hono/')),
        file,
      ).toEqual([])
    }
    if (file.startsWith('lib/protocol/')) {
      expect(
        names.filter((name) => name.startsWith('node:')),
        `${file} does I/O`,
      ).toEqual([])
    }
  }
})
