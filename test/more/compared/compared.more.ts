/** docs/alternatives.md says what the servers of other packages do today, in the versions that it names. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from '../../../tools/build.ts'
import { compare, SERVERS } from './compare.ts'
import { type Comparison, worded } from './comparison.ts'

const { servers }: Comparison = JSON.parse(readFileSync(join(root, 'docs/alternatives.json'), 'utf8'))

test.each(SERVERS)('$name does what the table says', async (compared) => {
  const recorded = servers.find(({ name }) => name === compared.name)
  for (const [revision, outcomes] of Object.entries(await compare(compared))) {
    const words = (found: object = {}) => Object.entries(found).map(([step, text]) => [step, worded(text)])
    expect({ revision, found: words(outcomes) }).toEqual({
      revision,
      found: words(recorded?.[revision as '2025-11-25']),
    })
  }
})
