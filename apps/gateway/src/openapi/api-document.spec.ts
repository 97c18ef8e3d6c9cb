import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ERRORS } from '@holdfast/wire';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, it } from 'vitest';
import { apiDocument } from './api-document.ts';

const COMMITTED = join(import.meta.dirname, '../../../../docs/openapi.json');
const { version } = JSON.parse(await readFile(join(import.meta.dirname, '../../package.json'), 'utf8')) as {
  version: string;
};
const document = apiDocument(version);
const operations = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]) => ({ path, method, operation })),
);

it('is the committed docs/openapi.json; UPDATE=1 rewrites that', async () => {
  const text = `${JSON.stringify(document, undefined, 2)}\n`;
  if (process.env['UPDATE'] === '1') await writeFile(COMMITTED, text);
  expect(await readFile(COMMITTED, 'utf8')).toBe(text);
});

it('names each operation once, and says how it fails', () => {
  const ids = operations.map(({ operation }) => operation['operationId']);
  expect(new Set(ids).size).toBe(ids.length);
  const statuses = new Set(Object.values(ERRORS).map(({ status }) => String(status)));
  for (const { path, operation } of operations) {
    const { responses, parameters = [] } = operation as {
      responses: Record<string, object>;
      parameters?: readonly { name: string; in: string }[];
    };
    for (const status of Object.keys(responses))
      expect(Number(status) < 400 || statuses.has(status)).toBe(true);
    const templated = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    expect(parameters.filter((one) => one.in === 'path').map(({ name }) => name)).toEqual(templated);
  }
});

it('holds schemas that JSON Schema understands', () => {
  const ajv = new Ajv2020({
    strict: false,
    formats: { binary: true, base64: true, int64: true, 'date-time': true },
  });
  ajv.addSchema(document, 'api');
  for (const name of Object.keys(document.components.schemas)) {
    expect(ajv.getSchema(`api#/components/schemas/${name}`)).toBeTypeOf('function');
  }
});
