import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/global.ts'],
    pool: 'forks',
    // Most tests wait for processes and sockets, so two more than the cores of a small machine.
    maxWorkers: 4,
    // No test depends on them: something hangs. On a busy machine the processes of a fleet take their time to start.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    reporters: ['default'],
  },
})
