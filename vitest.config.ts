import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const source = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  // Tests run on the TypeScript sources; only what is started as a process of its own runs the built files, which the
  // global setup keeps as new.
  resolve: {
    alias: {
      '@alfamix/native': source('packages/native/src/index.ts'),
      'alfamix/charts': source('packages/cli/src/charts.ts'),
      '@alfamix/core': source('packages/core/src/index.ts'),
    },
  },
  test: {
    globalSetup: ['scripts/stale-build.js', 'scripts/simt-plugin.js'],
    include: ['packages/*/test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    coverage: { provider: 'v8', include: ['packages/*/src/**'] },
  },
});
