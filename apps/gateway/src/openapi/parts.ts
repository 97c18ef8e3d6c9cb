import { z } from 'zod';
import { HTTP_DEADLINE_MS_MAX } from '../request-options.ts';

/** A piece of the OpenAPI document. */
export type Json = Readonly<Record<string, unknown>>;
/** Paths by their template, with an operation per method. */
export type Paths = Readonly<Record<string, Readonly<Record<string, Json>>>>;

export const ref = (name: string): Json => ({ $ref: `#/components/schemas/${name}` });
export const text: Json = { type: 'string' };
export const flag: Json = { type: 'boolean' };
export const oneOf = (...values: readonly string[]): Json => ({ type: 'string', enum: values });
export const count = (max?: number): Json => ({
  type: 'integer',
  minimum: 1,
  ...(max === undefined ? {} : { maximum: max }),
});

/** What a schema of the code says, as JSON Schema. `input`: as requests have it; `output`: as answers do. */
export function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  // A member that is kept as it was written may be any JSON: no schema.
  const { $schema: _, ...rest } = z.toJSONSchema(schema, {
    io,
    unrepresentable: 'any',
    // An object as a default is no literal in Go, and its generator writes one all the same.
    override: ({ jsonSchema }) => {
      if (typeof jsonSchema.default === 'object') delete jsonSchema.default;
    },
  });
  return rest;
}

export const header = (description: string, type: 'string' | 'integer' = 'string'): Json => ({
  description,
  schema: { type },
});

export const parameter = (
  place: 'path' | 'query' | 'header',
  name: string,
  description: string,
  schema: Json,
): Json => ({ name, in: place, required: place === 'path', description, schema });

export const json = (schema: Json): Json => ({ 'application/json': { schema } });

export const success = (description: string, schema: Json, headers: Json = {}): Json => ({
  description,
  headers: { ...headers, 'X-Request-Id': header('The name of the request.') },
  content: json(schema),
});

const problem = (description: string): Json => ({
  description,
  content: { 'application/problem+json': { schema: ref('Problem') } },
});

/** What every protected route may answer. */
export const PROBLEMS: Json = {
  400: problem('The request is not understood.'),
  401: problem('No valid token.'),
  403: problem('The token does not grant this.'),
  404: problem('No such keyspace, or no value under the key.'),
  429: problem('Overloaded, or a limit is used up; come back after `Retry-After`.'),
  500: problem('A fault in the server, or damaged data; the request log has the details.'),
  501: problem('The cluster does not offer this.'),
  503: problem('No quorum, no answer in time, or not available; `outcome` says what is known.'),
};
export const WRITE_PROBLEMS: Json = {
  ...PROBLEMS,
  409: problem('Somebody else changed the same at the same time.'),
  413: problem('The key, the value or the body is too large.'),
  415: problem('The body is in a format that is not taken.'),
  422: problem('The idempotency key was used for another request, or the value is not an integer.'),
  507: problem('The disk is full; reads go on.'),
};
export const CONDITION_PROBLEM: Json = {
  412: problem('The condition did not hold; `revision` is the current one, 0 when the key is absent.'),
};
export const READ_PROBLEMS: Json = {
  ...PROBLEMS,
  410: problem('The revision asked for is older than the retention window.'),
  413: problem('The key is too large.'),
};

export const DEADLINE = parameter('header', 'Holdfast-Deadline-Ms', 'Longest wait for an answer.', {
  ...count(HTTP_DEADLINE_MS_MAX),
  default: 5000,
});
export const REQUEST_ID = parameter('header', 'X-Request-Id', 'Names the request in answers and logs.', text);
export const KEYSPACE = parameter('path', 'keyspace', 'Name of the keyspace; `default` exists.', text);
export const IDEMPOTENCY = parameter(
  'header',
  'Idempotency-Key',
  'Names this write, 1 to 255 bytes: sent again, it is not applied again, and the first answer is given once more.',
  { ...text, minLength: 1, maxLength: 255 },
);
const DURATION = {
  type: 'string',
  pattern: '^[1-9][0-9]{0,12}(ms|s|m|h|d)?$',
};
export const duration = (name: string, place: 'query' | 'header', description: string): Json =>
  parameter(place, name, `${description} Whole seconds, or with a unit: ms, s, m, h, d.`, DURATION);

/** How fresh a read must be. */
export const READ_LEVEL: readonly Json[] = [
  parameter('query', 'consistency', 'Read level.', {
    ...oneOf('strong', 'bounded', 'eventual'),
    default: 'strong',
  }),
  duration('max_staleness', 'query', 'With `bounded`, and only then: how old the answer may be.'),
  parameter('query', 'revision', 'Read as it was at this revision.', count(Number.MAX_SAFE_INTEGER)),
  parameter(
    'header',
    'Holdfast-Min-Revision',
    'With a weaker level: answer from no state below this revision, for example that of an own write.',
    count(Number.MAX_SAFE_INTEGER),
  ),
];

export const LEVEL_HEADER: Json = {
  'Holdfast-Consistency': header(
    'Level asked for, level served, how old the answer may be (ms), and what the replica that answered is in its range: `asked=eventual, served=eventual, staleness-ms=unknown, role=follower`.',
  ),
};
export const REVISION_HEADERS: Json = {
  ETag: header('The revision as an entity tag.'),
  'Holdfast-Revision': header('The revision.', 'integer'),
};
export const REPLAYED_HEADER: Json = {
  'Idempotent-Replayed': header('`true` when this is the first answer to the idempotency key, given again.'),
};
