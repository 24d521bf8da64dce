import { defineConfig } from 'vitest/config';

// One file at a time: most tests start real engines and servers, and CI has two cores.
export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts', 'bench/**/*.test.ts'],
    exclude: ['node_modules/**'],
      process.env.WEIR_TEST_MODE === 'quick' || !process.env.WEIR_TEST_MODE
        ? ['test/faults/**', 'node_modules/**']
        : ['node_modules/**'],
    fileParallelism: true,
    maxWorkers: 2,
    pool: 'forks',
    testTimeout: 60_000,
    hookTimeout: 60_000,
    teardownTimeout: 20_000,
  },
});
