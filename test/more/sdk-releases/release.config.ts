/** Runs files of test/sdk with servers of another release of the official SDK: `RELEASE` says where its modules are. */
import { defineConfig } from 'vitest/config'

/** The begin of what a server imports, and the file or the begin of the path that it gets. */
const modules = Object.entries(JSON.parse(process.env.RELEASE ?? '{}') as Record<string, string>)
/** The servers, and the tests that make servers of their own. The official client of the tests stays. */
const SERVERS = /\/test\/sdk\/(?:servers\/\w+|[\w-]+\.test)\.ts$|\/members\.release\.ts$/

export default defineConfig({
  plugins: [
    {
      name: 'release',
      enforce: 'pre',
      resolveId(source: string, importer = '') {
        if (!SERVERS.test(importer)) return null
        const found = modules.find(([name]) => source === name || (name.endsWith('/') && source.startsWith(name)))
        return found ? `${found[1]}${source.slice(found[0].length)}` : null
      },
    },
  ],
  test: {
    include: ['test/sdk/*.test.ts', 'test/more/sdk-releases/*.release.ts'],
    pool: 'forks',
    maxWorkers: 1,
    testTimeout: 60_000,
    // It keeps what imports resolve to, which differs by release.
    fsModuleCache: false,
  },
})
