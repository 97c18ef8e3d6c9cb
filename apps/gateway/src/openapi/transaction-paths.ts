import { operationRecordSchema } from '../operations/operation-routes.ts';
import { transactionSchema } from '../transactions/transaction-schema.ts';
import {
  CONDITION_PROBLEM,
  DEADLINE,
  IDEMPOTENCY,
  json,
  type Json,
  parameter,
  type Paths,
  PROBLEMS,
  ref,
  LEVEL_HEADER,
  REPLAYED_HEADER,
  REQUEST_ID,
  REVISION_HEADERS,
  schemaOf,
  success,
  text,
  WRITE_PROBLEMS,
} from './parts.ts';

export const TRANSACTION_SCHEMAS: Readonly<Record<string, Json>> = {
  StepResult: {
    type: 'object',
    description: 'What one step found or made.',
    properties: {
      found: { type: 'boolean', description: 'Get: the key has a value.' },
      existed: { type: 'boolean', description: 'Put, delete: the key had a value before.' },
      revision: { type: 'integer' },
      expires_at: {
        type: 'string',
        format: 'date-time',
        description: 'Get: when the value goes, if it does.',
      },
      content_type: { type: 'string' },
      value: { description: 'JSON, as it was written; after an increment, the counter.' },
      text: { type: 'string' },
      base64: { type: 'string' },
    },
    additionalProperties: false,
  },
};

export const TRANSACTION_PATHS: Paths = {
  '/v1/transactions': {
    post: {
      operationId: 'executeTransaction',
      summary: 'Check, and then do all of it or nothing',
      description:
        'Checks are held against the state in front of the transaction. When all hold, the steps of `then` happen, at ' +
        'one revision, each seeing what the ones before it wrote; else those of `else` do, or, without them, nothing. ' +
        'All keys are in one range of the cluster: others are refused with `HF_SPANS_RANGES`, before anything happens.',
      tags: ['Transactions'],
      parameters: [DEADLINE, REQUEST_ID, IDEMPOTENCY],
      requestBody: { required: true, content: json(schemaOf(transactionSchema, 'input')) },
      responses: {
        ...WRITE_PROBLEMS,
        ...CONDITION_PROBLEM,
        200: success(
          'It was decided, durable on a majority.',
          {
            type: 'object',
            required: ['succeeded', 'revision', 'results'],
            properties: {
              succeeded: { type: 'boolean', description: 'Every check held.' },
              failed_check: { type: 'integer', description: 'Position of the first that did not.' },
              revision: { type: 'integer' },
              results: {
                type: 'array',
                items: ref('StepResult'),
                description: 'Of the steps that were done.',
              },
            },
            additionalProperties: false,
          },
          { ...REVISION_HEADERS, ...LEVEL_HEADER, ...REPLAYED_HEADER },
        ),
      },
    },
  },
  '/v1/operations/{key}': {
    get: {
      operationId: 'getOperation',
      summary: 'What became of the write with an idempotency key',
      description:
        'Resolves an unknown outcome. 404 says that it has not happened so far: a write that is still under way may ' +
        'come. Records are kept for a day.',
      tags: ['Operations'],
      parameters: [
        parameter('path', 'key', 'The idempotency key, percent-encoded.', { ...text, minLength: 1 }),
        DEADLINE,
        REQUEST_ID,
      ],
      responses: {
        ...PROBLEMS,
        200: success('It was decided.', schemaOf(operationRecordSchema, 'output'), LEVEL_HEADER),
      },
    },
  },
};
