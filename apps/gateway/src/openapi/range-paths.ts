import {
  COUNT_KEYS_MAX,
  DELETE_KEYS_DEFAULT,
  DELETE_KEYS_MAX,
  LIST_ROWS_DEFAULT,
  LIST_ROWS_MAX,
} from '../ranges/range-request.ts';
import {
  count,
  DEADLINE,
  flag,
  header,
  IDEMPOTENCY,
  type Json,
  KEYSPACE,
  LEVEL_HEADER,
  REPLAYED_HEADER,
  oneOf,
  parameter,
  type Paths,
  READ_LEVEL,
  READ_PROBLEMS,
  ref,
  REQUEST_ID,
  success,
  text,
  WRITE_PROBLEMS,
} from './parts.ts';

const SPAN = [
  KEYSPACE,
  parameter('query', 'prefix', 'Keys that begin with this; instead of `start` and `end`.', text),
  parameter('query', 'start', 'First key.', text),
  parameter('query', 'end', 'Key behind the last.', text),
  parameter(
    'query',
    'key_encoding',
    'Keys are given, and shown, as base64url without padding.',
    oneOf('base64url'),
  ),
  parameter('query', 'cursor', 'Where an earlier page ended: the same request, and this.', text),
  DEADLINE,
  REQUEST_ID,
];
const tags = ['Ranges'];

const CURSOR: Json = {
  type: 'string',
  description: 'Continues behind this page, with the same parameters; absent when nothing is left.',
};

export const RANGE_SCHEMAS: Readonly<Record<string, Json>> = {
  Row: {
    type: 'object',
    description: 'A key and what is known of it. `value`, `text` or `base64`: JSON, text, other bytes.',
    required: ['revision'],
    properties: {
      key: { type: 'string', description: 'When the key is UTF-8.' },
      key_base64url: { type: 'string', description: 'In place of `key`.' },
      revision: { type: 'integer' },
      content_type: { type: 'string' },
      value: { description: 'JSON, as it was written.' },
      text: { type: 'string' },
      base64: { type: 'string' },
    },
    additionalProperties: false,
  },
  Page: {
    type: 'object',
    required: ['count'],
    properties: {
      rows: { type: 'array', items: ref('Row'), description: 'Absent with `count_only`.' },
      count: { type: 'integer', description: 'Rows of this page, or keys counted.' },
      revision: { type: 'integer', description: 'The snapshot that every page of the listing shows.' },
      cursor: CURSOR,
    },
    additionalProperties: false,
  },
};

export const RANGE_PATHS: Paths = {
  '/v1/keyspaces/{keyspace}/keys': {
    get: {
      operationId: 'listKeys',
      summary: 'Read a part of a keyspace, in the order of keys',
      description:
        `A page has up to \`limit\` rows (${LIST_ROWS_DEFAULT} by default, ${LIST_ROWS_MAX} at most) and about 4 MiB. ` +
        'With `Accept: application/x-ndjson`, rows come as lines without a limit, as fast as they are read; the last ' +
        'line is `{"end": {"count": …}}`, and a listing without it is not complete.',
      tags,
      parameters: [
        ...SPAN,
        parameter(
          'query',
          'limit',
          `Rows at most; with \`count_only\`, keys counted at most (${COUNT_KEYS_MAX} by default).`,
          count(COUNT_KEYS_MAX),
        ),
        parameter('query', 'reverse', 'From the last key to the first.', flag),
        parameter('query', 'keys_only', 'Without values.', flag),
        parameter('query', 'count_only', 'Without rows.', flag),
        ...READ_LEVEL,
      ],
      responses: {
        ...READ_PROBLEMS,
        200: {
          description: 'A page, or lines.',
          headers: { ...LEVEL_HEADER, 'Holdfast-Revision': header('The snapshot.', 'integer') },
          content: {
            'application/json': { schema: ref('Page') },
            'application/x-ndjson': { schema: text },
          },
        },
      },
    },
    delete: {
      operationId: 'deleteKeys',
      summary: 'Remove a part of a keyspace',
      description:
        'Removed in parts, each at one moment; all of it together is not a transaction. Repeat with `cursor` until it is ' +
        'absent. With an `Idempotency-Key`, part i has the key `<key>#<i>`. One of `prefix`, `start` and `end` is needed.',
      tags,
      parameters: [
        ...SPAN,
        IDEMPOTENCY,
        parameter('query', 'limit', 'Keys removed at most.', {
          ...count(DELETE_KEYS_MAX),
          default: DELETE_KEYS_DEFAULT,
        }),
      ],
      responses: {
        ...WRITE_PROBLEMS,
        200: success(
          'Removed, durable on a majority.',
          {
            type: 'object',
            required: ['deleted'],
            properties: { deleted: { type: 'integer' }, cursor: CURSOR },
            additionalProperties: false,
          },
          {
            ...LEVEL_HEADER,
            ...REPLAYED_HEADER,
            'Holdfast-Revision': header('Of the last part.', 'integer'),
          },
        ),
      },
    },
  },
};
