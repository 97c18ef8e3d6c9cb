import { HTTP_DEADLINE_MS_MAX } from './request-options.ts';

type Json = Readonly<Record<string, unknown>>;

const header = (description: string, type: 'string' | 'integer' = 'string'): Json => ({
  description,
  schema: { type },
});
const parameter = (
  place: 'path' | 'query' | 'header',
  name: string,
  description: string,
  schema: Json,
): Json => ({
  name,
  in: place,
  required: place === 'path',
  description,
  schema,
});
const problem = (description: string): Json => ({
  description,
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
});

const ADDRESS = [
  parameter('path', 'keyspace', 'Name of the keyspace; `default` exists.', { type: 'string' }),
  parameter(
    'path',
    'key',
    'The key: 1 to 4,096 bytes of UTF-8, percent-encoded. Slashes may stand as they are.',
    { type: 'string' },
  ),
  parameter('query', 'key_encoding', 'The key is given as base64url without padding.', {
    type: 'string',
    enum: ['base64url'],
  }),
  parameter('header', 'Holdfast-Deadline-Ms', 'Longest wait for an answer.', {
    type: 'integer',
    minimum: 1,
    maximum: HTTP_DEADLINE_MS_MAX,
    default: 5000,
  }),
  parameter('header', 'X-Request-Id', 'Names the request in answers and logs.', { type: 'string' }),
];
const CONSISTENCY = parameter('query', 'consistency', 'Read level.', {
  type: 'string',
  enum: ['strong', 'eventual'],
  default: 'strong',
});
const IF_NONE_MATCH_READ = parameter('header', 'If-None-Match', 'Answer 304 when this is the revision.', {
  type: 'string',
});
const CONDITIONS = [
  parameter(
    'header',
    'If-Match',
    'Only when this is the current revision (`"<revision>"`), or any is (`*`).',
    {
      type: 'string',
    },
  ),
  parameter('header', 'If-None-Match', 'Only when the key has no value.', { type: 'string', enum: ['*'] }),
];

const REVISION_HEADERS = {
  ETag: header('The revision as an entity tag.'),
  'Holdfast-Revision': header('The revision.', 'integer'),
};
const READ_HEADERS = {
  ...REVISION_HEADERS,
  'Holdfast-Consistency': header('Level asked for, level served, and how old the answer may be.'),
};
const COMMON_PROBLEMS = {
  400: problem('The request is not understood.'),
  404: problem('No such keyspace, or no value under the key.'),
  413: problem('The key or the value is too large.'),
  429: problem('Overloaded; come back after `Retry-After`.'),
  503: problem('No quorum, no answer in time, or not available; `outcome` says what is known.'),
};
const BYTES = { '*/*': { schema: { type: 'string', format: 'binary' } } };
const WRITTEN = {
  200: {
    description: 'Durable on a majority.',
    headers: REVISION_HEADERS,
    content: {
      'application/json': {
        schema: { type: 'object', required: ['revision'], properties: { revision: { type: 'integer' } } },
      },
    },
  },
  412: problem('The condition did not hold; `revision` is the current one.'),
  ...COMMON_PROBLEMS,
};

/** The address of a key, as OpenAPI names it. */
export const KEY_PATH_NAME = '/v1/keyspaces/{keyspace}/keys/{key}';

/** What can be done with a key, for the OpenAPI document. */
export const KEY_PATH_ITEM: Json = {
  get: {
    summary: 'Read a value',
    tags: ['Keys'],
    parameters: [...ADDRESS, CONSISTENCY, IF_NONE_MATCH_READ],
    responses: {
      200: {
        description: 'The value, with the content type it was written with.',
        headers: READ_HEADERS,
        content: BYTES,
      },
      304: { description: 'The reader has this revision.' },
      ...COMMON_PROBLEMS,
    },
  },
  head: {
    summary: 'Read what is known of a value, without the value',
    tags: ['Keys'],
    parameters: [...ADDRESS, CONSISTENCY],
    responses: { 200: { description: 'There is a value.', headers: READ_HEADERS }, ...COMMON_PROBLEMS },
  },
  put: {
    summary: 'Write a value',
    tags: ['Keys'],
    parameters: [...ADDRESS, ...CONDITIONS],
    requestBody: { description: 'Any bytes, up to 1 MiB.', content: BYTES },
    responses: WRITTEN,
  },
  delete: {
    summary: 'Remove a key',
    tags: ['Keys'],
    parameters: [...ADDRESS, ...CONDITIONS],
    responses: WRITTEN,
  },
};

/** The body of every failure (RFC 9457). */
export const PROBLEM_SCHEMA: Json = {
  type: 'object',
  required: ['type', 'title', 'status', 'code', 'retryable', 'outcome', 'request_id'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    code: { type: 'string', description: 'A code of the table of errors.' },
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
