/** A run of the nemesis in a test: it finds nothing, or the test says how to run it again. */
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { type History, writeHistory } from './history.ts'
import { type NemesisOptions, runNemesis } from './nemesis.ts'

/** The seed of the runs in tests. */
export const SEED = 20_261_126

/** Runs it, expects that no promise was broken, and returns what happened. */
export async function expectPromisesKept(options: Omit<NemesisOptions, 'seed'>): Promise<History> {
  const { history, problems } = await runNemesis({ ...options, seed: SEED })
  const { redis } = options
  const path = join(tmpdir(), `mcp-anywhere-nemesis-test-${redis ? `${redis}-` : ''}${process.pid}.jsonl`)
  if (problems.length > 0) writeHistory(history, path)
  const again = `seed ${SEED}, ${redis ? `--redis ${redis}, ` : ''}history ${path}`
  expect(problems.map(({ property, text }) => `[${property}] ${text}`).slice(0, 20), again).toEqual([])
  return history
}

/** The calls that had a result. */
export const resultsOf = ({ calls }: History): number =>
  calls.filter(({ outcomes }) => outcomes[0]?.kind === 'result').length
