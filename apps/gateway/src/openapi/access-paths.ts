import { newApiKeySchema } from '../access/api-key-record.ts';
import { tenantSchema } from '../access/principal.ts';
import { USAGE_FIELDS } from '../access/usage.ts';
import {
  count,
  json,
  type Json,
  parameter,
  type Paths,
  PROBLEMS,
  ref,
  REQUEST_ID,
  schemaOf,
  success,
  text,
  WRITE_PROBLEMS,
} from './parts.ts';

const TIME: Json = { type: 'string', format: 'date-time' };
const DAY: Json = { type: 'string', format: 'date' };
const { grants: GRANTS, limits: LIMITS } = (schemaOf(newApiKeySchema, 'output') as { properties: Json })
  .properties;

const API_KEY: Json = {
  type: 'object',
  description: 'What is shown of an API key: never the key.',
  required: ['id', 'prefix', 'name', 'tenant', 'state', 'grants', 'limits', 'created_at'],
  properties: {
    id: text,
    prefix: { type: 'string', description: 'How the key begins; no secret.' },
    name: text,
    tenant: text,
    state: { type: 'string', enum: ['active', 'expired', 'revoked'] },
    grants: GRANTS,
    limits: LIMITS,
    created_at: TIME,
    expires_at: TIME,
    revoked_at: TIME,
  },
};

const COUNTS: Json = Object.fromEntries(USAGE_FIELDS.map((field) => [field, { type: 'integer' }]));

export const ACCESS_SCHEMAS: Readonly<Record<string, Json>> = {
  ApiKey: API_KEY,
  UsageCounts: { type: 'object', required: [...USAGE_FIELDS], properties: COUNTS },
  UsageOfDay: { type: 'object', required: ['day', ...USAGE_FIELDS], properties: { day: DAY, ...COUNTS } },
};

const tags = ['Access'];
const ID = parameter('path', 'id', 'Id of the key: what stands between `hf_` and the next `_`.', text);

/** Who may do what, and who has used how much. */
export const ACCESS_PATHS: Paths = {
  '/v1/api-keys': {
    post: {
      operationId: 'createApiKey',
      summary: 'Make an API key',
      description: 'For administrators of the cluster. The answer is the only one that ever holds the key.',
      tags,
      parameters: [REQUEST_ID],
      requestBody: { required: true, content: json(schemaOf(newApiKeySchema, 'input')) },
      responses: {
        ...WRITE_PROBLEMS,
        201: success('The key.', {
          allOf: [ref('ApiKey'), { type: 'object', required: ['key'], properties: { key: text } }],
        }),
      },
    },
    get: {
      operationId: 'listApiKeys',
      summary: 'List API keys',
      description: 'For administrators of the cluster, in the order of ids.',
      tags,
      parameters: [
        REQUEST_ID,
        parameter('query', 'limit', 'Keys of one page.', { ...count(1000), default: 100 }),
        parameter('query', 'after', '`next` of the page before.', { type: 'string', maxLength: 64 }),
      ],
      responses: {
        ...PROBLEMS,
        200: success('A page.', {
          type: 'object',
          required: ['keys'],
          properties: {
            keys: { type: 'array', items: ref('ApiKey') },
            next: { type: 'string', description: 'For the next page; absent on the last one.' },
          },
        }),
      },
    },
  },
  '/v1/api-keys/{id}': {
    get: {
      operationId: 'getApiKey',
      summary: 'Describe an API key',
      tags,
      parameters: [ID, REQUEST_ID],
      responses: { ...PROBLEMS, 200: success('The key, without its secret.', ref('ApiKey')) },
    },
    delete: {
      operationId: 'revokeApiKey',
      summary: 'Revoke an API key',
      description: 'Refused by this gateway at once, by every other one within 5 s; listed for 90 days more.',
      tags,
      parameters: [ID, REQUEST_ID],
      responses: { ...PROBLEMS, 200: success('The revoked key.', ref('ApiKey')) },
    },
  },
  '/v1/usage': {
    get: {
      operationId: 'getUsage',
      summary: 'What a tenant has used, by day',
      description:
        'Of the own tenant; of another one for administrators of the cluster. Days are those of UTC.',
      tags,
      parameters: [
        REQUEST_ID,
        parameter('query', 'tenant', 'Default: the own one.', schemaOf(tenantSchema, 'input')),
        parameter('query', 'from', 'First day; default 30 days ago.', DAY),
        parameter('query', 'to', 'Last day; default today.', DAY),
      ],
      responses: {
        ...PROBLEMS,
        200: success('Usage.', {
          type: 'object',
          required: ['tenant', 'from', 'to', 'total', 'days'],
          properties: {
            tenant: text,
            from: DAY,
            to: DAY,
            total: ref('UsageCounts'),
            days: { type: 'array', items: ref('UsageOfDay') },
          },
        }),
      },
    },
  },
};
