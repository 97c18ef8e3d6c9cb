import { batchSchema } from '../batch/batch-routes.ts';
import {
  DEADLINE,
  IDEMPOTENCY,
  json,
  type Json,
  LEVEL_HEADER,
  type Paths,
  READ_LEVEL,
  ref,
  REQUEST_ID,
  schemaOf,
  success,
  WRITE_PROBLEMS,
} from './parts.ts';

const RESULTS: Json = {
  type: 'object',
  required: ['results'],
  properties: { results: { type: 'array', items: ref('Result') } },
  additionalProperties: false,
};

export const BATCH_SCHEMAS: Readonly<Record<string, Json>> = {
  Result: {
    type: 'object',
    description: 'What became of one operation: the status that it would have had by itself.',
    required: ['status'],
    properties: {
      status: { type: 'integer' },
      revision: { type: 'integer' },
      replayed: { type: 'boolean' },
      content_type: { type: 'string' },
      value: { description: 'JSON, as it was written; after an increment, the counter.' },
      text: { type: 'string' },
      base64: { type: 'string' },
      problem: ref('Problem'),
    },
    additionalProperties: false,
  },
};

export const BATCH_PATHS: Paths = {
  '/v1/batch': {
    post: {
      operationId: 'executeBatch',
      summary: 'Execute independent operations',
      description:
        'Each operation is executed by itself, in no order: this saves round trips, it is not a transaction. Results ' +
        'are in the order of the operations. With an `Idempotency-Key`, operation i has the key `<key>#<i>`.',
      tags: ['Batch'],
      parameters: [DEADLINE, REQUEST_ID, IDEMPOTENCY, ...READ_LEVEL],
      requestBody: { required: true, content: json(schemaOf(batchSchema, 'input')) },
      responses: {
        ...WRITE_PROBLEMS,
        200: success('Every operation succeeded.', RESULTS, LEVEL_HEADER),
        207: success('Some operations failed; each says so by itself.', RESULTS, LEVEL_HEADER),
      },
    },
  },
};
