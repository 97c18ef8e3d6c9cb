import { countedSchema, incrementSchema, revisionSchema } from '../key-routes.ts';
import {
  CONDITION_PROBLEM,
  DEADLINE,
  duration,
  header,
  IDEMPOTENCY,
  json,
  type Json,
  KEYSPACE,
  LEVEL_HEADER,
  oneOf,
  parameter,
  type Paths,
  READ_LEVEL,
  READ_PROBLEMS,
  REPLAYED_HEADER,
  REQUEST_ID,
  REVISION_HEADERS,
  schemaOf,
  success,
  text,
  WRITE_PROBLEMS,
} from './parts.ts';

const ADDRESS = [
  KEYSPACE,
  parameter(
    'path',
    'key',
    'The key: 1 to 4,096 bytes of UTF-8, percent-encoded. Slashes may stand as they are.',
    { ...text, minLength: 1 },
  ),
  parameter(
    'query',
    'key_encoding',
    'The key is given as base64url without padding, and may be any bytes.',
    oneOf('base64url'),
  ),
  DEADLINE,
  REQUEST_ID,
];
const CONDITIONS = [
  parameter(
    'header',
    'If-Match',
    'Only when this is the current revision (`"<revision>"`), or any is (`*`).',
    { ...text, pattern: '^(\\*|"[1-9][0-9]{0,15}")$' },
  ),
  parameter('header', 'If-None-Match', 'Only when the key has no value.', oneOf('*')),
];
const WRITTEN = {
  ...WRITE_PROBLEMS,
  ...CONDITION_PROBLEM,
  200: success('Durable on a majority.', schemaOf(revisionSchema, 'output'), {
    ...REVISION_HEADERS,
    ...LEVEL_HEADER,
    ...REPLAYED_HEADER,
    'Holdfast-Existed': header('`true` or `false`, where it was asked for: the key had a value before.'),
  }),
};
const BYTES: Json = {
  'application/octet-stream': { schema: { type: 'string', format: 'binary' } },
  'application/json': { schema: {} },
  'text/plain': { schema: text },
};
const EXPIRY_HEADER = {
  'Holdfast-Expires-At': header('When the value goes; absent when it has no time to live.'),
};
const TELL_EXISTED = parameter(
  'header',
  'Holdfast-Tell-Existed',
  'The answer is to say, in `Holdfast-Existed`, whether the key had a value before. Costs a read.',
  oneOf('true'),
);
const NOT_MODIFIED = { 304: { description: 'The reader has this revision.' } };
const IF_NONE_MATCH = parameter('header', 'If-None-Match', 'Answer 304 when this is the revision.', text);
const tags = ['Keys'];

export const KEY_PATHS: Paths = {
  '/v1/keyspaces/{keyspace}/keys/{key}': {
    get: {
      operationId: 'getKey',
      summary: 'Read a value',
      tags,
      parameters: [...ADDRESS, ...READ_LEVEL, IF_NONE_MATCH],
      responses: {
        ...READ_PROBLEMS,
        ...NOT_MODIFIED,
        200: {
          description: 'The value, with the content type it was written with.',
          headers: { ...REVISION_HEADERS, ...LEVEL_HEADER, ...EXPIRY_HEADER },
          content: BYTES,
        },
      },
    },
    head: {
      operationId: 'headKey',
      summary: 'Read what is known of a value, without the value',
      tags,
      parameters: [...ADDRESS, ...READ_LEVEL, IF_NONE_MATCH],
      responses: {
        ...READ_PROBLEMS,
        ...NOT_MODIFIED,
        200: {
          description: 'There is a value.',
          headers: { ...REVISION_HEADERS, ...LEVEL_HEADER, ...EXPIRY_HEADER },
        },
      },
    },
    put: {
      operationId: 'putKey',
      summary: 'Write a value',
      description: 'The body is the value, any bytes; it comes back with its content type. JSON stays JSON.',
      tags,
      parameters: [
        ...ADDRESS,
        ...CONDITIONS,
        duration('ttl', 'query', 'Time to live.'),
        duration('Holdfast-TTL', 'header', 'Time to live; in place of `ttl`.'),
        TELL_EXISTED,
        IDEMPOTENCY,
      ],
      requestBody: { description: 'Up to 1 MiB.', content: BYTES },
      responses: WRITTEN,
    },
    delete: {
      operationId: 'deleteKey',
      summary: 'Remove a key',
      tags,
      parameters: [...ADDRESS, ...CONDITIONS, TELL_EXISTED, IDEMPOTENCY],
      responses: WRITTEN,
    },
  },
  '/v1/keyspaces/{keyspace}/keys/{key}:increment': {
    post: {
      operationId: 'incrementKey',
      summary: 'Add to a counter',
      description: 'A counter is a JSON number, a whole one; a key without a value counts from 0.',
      tags,
      parameters: [...ADDRESS, ...CONDITIONS, IDEMPOTENCY],
      requestBody: { required: false, content: json(schemaOf(incrementSchema, 'input')) },
      responses: {
        ...WRITTEN,
        200: success('Durable on a majority.', schemaOf(countedSchema, 'output'), {
          ...REVISION_HEADERS,
          ...LEVEL_HEADER,
          ...REPLAYED_HEADER,
        }),
      },
    },
  },
};
