import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { settingsPage } from '../../scripts/settings-page.ts';

const path = join(dirname(dirname(import.meta.dirname)), 'docs', 'settings.md');

it('docs/settings.md says what the schemas say', () => {
  const page = settingsPage();
  if (process.env['UPDATE'] === '1') writeFileSync(path, page);
  expect(readFileSync(path, 'utf8')).toBe(page);
});

it('describes every setting', () => {
  const rows = settingsPage()
    .split('\n')
    .filter((line) => line.startsWith('| `'));
  expect(rows.length).toBeGreaterThan(15);
  expect(rows.filter((row) => row.endsWith('|  |'))).toEqual([]);
});
