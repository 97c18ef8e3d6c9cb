import { defineConfig } from 'vitest/config';

const specs = ['libs/**/*.spec.ts', 'apps/**/*.spec.ts', 'tests/**/*.spec.ts'];
const integrationSpecs = '**/*.int.spec.ts';
const endToEndSpecs = '**/*.e2e.spec.ts';
const never = ['**/node_modules/**', '**/dist/**'];

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
        test: { name: 'unit', include: specs, exclude: [...never, integrationSpecs, endToEndSpecs] },
      },
      {
        extends: true,
        test: {
          name: 'integration',
          include: specs.map((pattern) => pattern.replace('*.spec.ts', '*.int.spec.ts')),
          exclude: never,
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
