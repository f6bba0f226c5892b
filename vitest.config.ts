import { fileURLToPath } from 'node:url';
import { configDefaults, defineConfig } from 'vitest/config';

const source = (path: string) => fileURLToPath(new URL(path, import.meta.url));

const every = ['packages/*/test/**/*.test.ts'];
/** Their subject is milliseconds, memory, or a signal sent after a while: alone on the machine, after all others. */
const timed = [
  'packages/core/test/{event-loop,head-fit,models-trainer,npz-inflate,out-of-core,parquet}.test.ts',
  'packages/core/test/kernels-{calls,host}.test.ts',
  'packages/native/test/{jobs,process}.test.ts',
  'packages/cli/test/process.test.ts',
];

// Tests run on the TypeScript sources; only what is started as a process of its own runs the built files, which the
// global setup keeps as new.
const resolve = {
  alias: {
    '@alfamix/native': source('packages/native/src/index.ts'),
    'alfamix/charts': source('packages/cli/src/charts.ts'),
    '@alfamix/core': source('packages/core/src/index.ts'),
  },
};
const shared = {
  setupFiles: [source('packages/core/test/support/same-bytes.ts')],
  // Ten seconds of computing take a minute and more where files and other work share the processors.
  testTimeout: 120_000,
  hookTimeout: 60_000,
};

export default defineConfig({
  test: {
    globalSetup: ['scripts/stale-build.js', 'scripts/simt-plugin.js'],
    maxWorkers: '100%',
    coverage: { provider: 'v8', include: ['packages/*/src/**'] },
    projects: [
      {
        resolve,
        test: {
          ...shared,
          name: 'side by side',
          include: every,
          exclude: [...configDefaults.exclude, ...timed],
        },
      },
      {
        resolve,
        test: { ...shared, name: 'timed', include: timed, maxWorkers: 1, sequence: { groupOrder: 1 } },
      },
    ],
  },
});
