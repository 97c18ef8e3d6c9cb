import {
  DEADLINE,
  header,
  KEYSPACE,
  oneOf,
  parameter,
  type Paths,
  READ_PROBLEMS,
  REQUEST_ID,
  text,
} from './parts.ts';

const revision = { type: 'integer', minimum: 0 };

export const WATCH_PATHS: Paths = {
  '/v1/keyspaces/{keyspace}/watch': {
    get: {
      operationId: 'watchKeys',
      summary: 'Follow changes',
      description:
        'Server-sent events in the order of revisions, each change once. `put`: `{key, revision, content_type, value | ' +
        'text | base64}`, the value as in a listing. `delete`, `expire`: `{key, revision}`. `progress`, about every ' +
        'second: nothing at or below `revision` is missing. `compacted`: changes up to `oldest` are no longer kept and ' +
        'were not told; the stream ends and can go on from there. `end`: why the stream ends, as a problem document. ' +
        'The id of an event is the revision to resume from, so a reader that comes back with `Last-Event-ID` misses ' +
        'nothing and is told nothing twice. Something is sent every three seconds at least, if only a comment: a stream ' +
        'that is silent for longer is broken. A reader that takes nothing for ten seconds is dropped.',
      tags: ['Watch'],
      parameters: [
        KEYSPACE,
        parameter('query', 'prefix', 'Keys that begin with this; instead of `start` and `end`.', text),
        parameter('query', 'key', 'This key alone.', text),
        parameter('query', 'start', 'First key.', text),
        parameter('query', 'end', 'Key behind the last.', text),
        parameter(
          'query',
          'key_encoding',
          'Keys are given, and shown, as base64url without padding.',
          oneOf('base64url'),
        ),
        parameter('query', 'from', 'Changes behind this revision; by default, from now on.', revision),
        parameter('header', 'Last-Event-ID', 'Goes before `from`.', revision),
        DEADLINE,
        REQUEST_ID,
      ],
      responses: {
        ...READ_PROBLEMS,
        200: {
          description: 'Events, until one side ends the stream.',
          headers: { 'X-Request-Id': header('The name of the request.') },
          content: { 'text/event-stream': { schema: text } },
        },
      },
    },
  },
};
