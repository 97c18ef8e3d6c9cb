import { ERRORS } from '@holdfast/wire';
import { ACCESS_PATHS, ACCESS_SCHEMAS } from './access-paths.ts';
import { BATCH_PATHS, BATCH_SCHEMAS } from './batch-paths.ts';
import { KEY_PATHS } from './key-paths.ts';
import { KEYSPACE_PATHS, KEYSPACE_SCHEMAS } from './keyspace-paths.ts';
import type { Json, Paths } from './parts.ts';
import { RANGE_PATHS, RANGE_SCHEMAS } from './range-paths.ts';
import { SERVICE_PATHS } from './service-paths.ts';
import { TRANSACTION_PATHS, TRANSACTION_SCHEMAS } from './transaction-paths.ts';
import { WATCH_PATHS } from './watch-paths.ts';

/** The body of every failure (RFC 9457). */
const PROBLEM: Json = {
  type: 'object',
  description: 'Why a request failed, and what it did.',
  required: ['type', 'title', 'status', 'code', 'retryable', 'outcome', 'request_id'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    code: { type: 'string', enum: Object.keys(ERRORS), description: 'A code of the table of errors.' },
    retryable: { type: 'boolean', description: 'The same request may succeed when it is sent again.' },
    outcome: {
      type: 'string',
      enum: ['applied', 'not_applied', 'unknown'],
      description: 'What the request did.',
    },
    request_id: { type: 'string' },
    revision: { type: 'integer', description: 'A refused condition: the current revision, 0 when absent.' },
  },
};

/** Every route of version 1, in the order in which a reader meets them. */
export const PATHS: Paths = {
  ...KEY_PATHS,
  ...RANGE_PATHS,
  ...BATCH_PATHS,
  ...TRANSACTION_PATHS,
  ...WATCH_PATHS,
  ...KEYSPACE_PATHS,
  ...ACCESS_PATHS,
  ...SERVICE_PATHS,
};

export interface ApiDocument {
  readonly openapi: string;
  readonly paths: Paths;
  readonly components: {
    readonly securitySchemes: Json;
    readonly schemas: Readonly<Record<string, Json>>;
  };
}

const INT32_MAX = 2 ** 31 - 1;

/** Whole numbers that do not fit into 32 bits say so: languages with such a type would choose it. */
function withWideIntegers<T>(part: T): T {
  if (Array.isArray(part)) return part.map(withWideIntegers) as T;
  if (typeof part !== 'object' || part === null) return part;
  const copy = Object.fromEntries(
    Object.entries(part).map(([name, value]: [string, unknown]) => [name, withWideIntegers(value)]),
  ) as Record<string, unknown>;
  const { type, maximum, format } = copy;
  const wide = type === 'integer' && !(typeof maximum === 'number' && maximum <= INT32_MAX);
  return (wide && format === undefined ? { ...copy, format: 'int64' } : copy) as T;
}

/** The API as an OpenAPI 3.1 document: made from the schemas that requests are checked with. */
export function apiDocument(version: string): ApiDocument & Json {
  return withWideIntegers({
    openapi: '3.1.0',
    info: {
      title: 'Holdfast',
      description: 'A distributed, fault-tolerant key-value store for plain HTTP and JSON.',
      version,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: 'http://127.0.0.1:7700', description: 'A gateway of `npm start`.' }],
    security: [{ bearer: [] }],
    paths: PATHS,
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'An API key, or a JWT of a trusted issuer.' },
      },
      schemas: {
        Problem: PROBLEM,
        ...RANGE_SCHEMAS,
        ...BATCH_SCHEMAS,
        ...TRANSACTION_SCHEMAS,
        ...KEYSPACE_SCHEMAS,
        ...ACCESS_SCHEMAS,
      },
    },
  });
}
