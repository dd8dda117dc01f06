import { defineConfig } from 'vitest/config'

/** Tests of `npm test` whose bodies run here with servers of the official SDK (test/support/written.ts). */
const OFFICIAL = ['test/cluster/{asks,cancel,drain,instance-death,streams}.test.ts', 'test/stateless/rounds.test.ts']

/**
 * `npm run test:more`: the checks that install tools of their own (frameworks, runtimes, compilers), and those that take longer
 * than `npm test` may.
 */
export default defineConfig({
  test: {
    include: ['test/more/**/*.more.ts', ...OFFICIAL],
    provide: { official: true },
    globalSetup: ['test/support/global.ts', 'test/more/support/package.ts'],
    pool: 'forks',
    maxWorkers: 2,
    // No check depends on them: the first run downloads and installs.
    testTimeout: 300_000,
    hookTimeout: 600_000,
    reporters: ['default'],
  },
})
