import { defineConfig } from 'vitest/config'

const conditions = ['holdfast-source', 'node', 'module', 'development|production']

export default defineConfig({
  // The sources run as they are, for the tests and for what the tests start.
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: ['{src,test,examples,console,tools,bench}/**/*.test.{ts,tsx}'],
    // The peers of the benchmark bring tests of their own.
    exclude: ['**/node_modules/**', 'bench/.peers/**', 'dist/**', 'console/built/**'],
    globalSetup: ['test/world/cluster.ts'],
    pool: 'forks',
    maxWorkers: 2,
    execArgv: ['--conditions=holdfast-source'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    teardownTimeout: 30_000,
  },
})
