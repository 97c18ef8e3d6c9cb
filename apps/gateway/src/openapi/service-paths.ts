import { json, type Json, type Paths } from './parts.ts';

const STATUS: Json = {
  type: 'object',
  required: ['status'],
  properties: { status: { type: 'string' } },
};
const tags = ['Service'];
const open = { security: [] };

/** What operators and load balancers ask, without a token. */
export const SERVICE_PATHS: Paths = {
  '/healthz': {
    get: {
      operationId: 'getHealth',
      summary: 'The process works',
      tags,
      ...open,
      responses: { 200: { description: 'It does.', content: json(STATUS) } },
    },
  },
  '/readyz': {
    get: {
      operationId: 'getReadiness',
      summary: 'A quorum answers, and the process is not stopping',
      tags,
      ...open,
      responses: {
        200: { description: 'Requests make sense here.', content: json(STATUS) },
        503: {
          description: 'Not now.',
          content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
        },
      },
    },
  },
  '/metrics': {
    get: {
      operationId: 'getMetrics',
      summary: 'Metrics in the text format of Prometheus',
      tags,
      ...open,
      responses: {
        200: { description: 'Metrics.', content: { 'text/plain': { schema: { type: 'string' } } } },
      },
    },
  },
};
