import { defineConfig } from 'vitest/config'

/** The checks that install tools of their own: frameworks, runtimes, compilers. `npm run test:more`. */
export default defineConfig({
  test: {
    include: ['test/more/**/*.more.ts'],
    globalSetup: ['test/support/global.ts', 'test/more/support/package.ts'],
    pool: 'forks',
    maxWorkers: 2,
    // No check depends on them: the first run downloads and installs.
    testTimeout: 300_000,
    hookTimeout: 600_000,
    reporters: ['default'],
  },
})
