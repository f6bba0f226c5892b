import { defineConfig } from 'vitest/config';

// Apart from the other tests: what is timed here needs the machine to itself. Runs the built packages.
export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['test/**/*.test.js'],
    execArgv: ['--expose-gc'],
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
