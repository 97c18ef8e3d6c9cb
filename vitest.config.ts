import { defineConfig } from 'vitest/config';

const specsEnding = (ending: string): string[] =>
  ['libs', 'apps', 'tests'].map((top) => `${top}/**/*${ending}`);
const architecture = 'tests/architecture/**/*.spec.ts';
const never = ['**/node_modules/**', '**/dist/**'];

/** A limit for what hangs: far above what anything takes, so that a slow or busy machine fails no test. */
const HANGS_MS = 60_000;
const patient = { testTimeout: HANGS_MS, hookTimeout: HANGS_MS, expect: { poll: { timeout: HANGS_MS / 2 } } };

/** Real processes, ports and files: one file of tests at a time. */
const oneByOne = { ...patient, fileParallelism: false };

/** Packages export their TypeScript under the `source` condition, so no test needs a build. */
const conditions = ['source', 'module', 'node', 'development|production'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: ['source', 'node'] } },
  test: {
    environment: 'node',
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: specsEnding('.spec.ts'),
          exclude: [...never, architecture, '**/*.int.spec.ts', '**/*.e2e.spec.ts'],
          ...patient,
        },
      },
      {
        extends: true,
        test: { name: 'layering', include: [architecture], ...patient },
      },
      {
        extends: true,
        test: {
          name: 'integration',
          include: specsEnding('.int.spec.ts'),
          exclude: never,
          ...oneByOne,
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: specsEnding('.e2e.spec.ts'),
          exclude: never,
          ...oneByOne,
        },
      },
    ],
  },
});
