import { defineConfig } from 'vitest/config';

const specsEnding = (ending: string): string[] =>
  ['libs', 'apps', 'tests'].map((top) => `${top}/**/*${ending}`);
const architecture = 'tests/architecture/**/*.spec.ts';
const never = ['**/node_modules/**', '**/dist/**'];

/** Real processes, ports and files: one file of tests at a time, and time for a cluster to form. */
const oneByOne = { fileParallelism: false, testTimeout: 60_000, hookTimeout: 60_000 };

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
        },
      },
      {
        extends: true,
        test: { name: 'layering', include: [architecture] },
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
