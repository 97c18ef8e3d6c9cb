import { keyspaceSchema, keyspaceSettingsSchema, newKeyspaceSchema } from '../keyspaces/keyspace-schema.ts';
import {
  count,
  DEADLINE,
  header,
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

export const KEYSPACE_SCHEMAS: Readonly<Record<string, Json>> = {
  Keyspace: schemaOf(keyspaceSchema, 'output'),
};

const tags = ['Keyspaces'];
const NAME = parameter('path', 'name', 'Name of the keyspace.', text);
const LOCATION: Json = { Location: header('Where the keyspace is described.') };

/** What keyspaces there are, and how each is kept. */
export const KEYSPACE_PATHS: Paths = {
  '/v1/keyspaces': {
    post: {
      operationId: 'createKeyspace',
      summary: 'Make a keyspace',
      description:
        'For administrators of the cluster. Sent again with the same settings, it gives the same answer; with others, 409.',
      tags,
      parameters: [DEADLINE, REQUEST_ID],
      requestBody: { required: true, content: json(schemaOf(newKeyspaceSchema, 'input')) },
      responses: { ...WRITE_PROBLEMS, 201: success('The keyspace.', ref('Keyspace'), LOCATION) },
    },
    get: {
      operationId: 'listKeyspaces',
      summary: 'List keyspaces',
      description: 'Those in which the token grants something, by name; also those that are being deleted.',
      tags,
      parameters: [
        DEADLINE,
        REQUEST_ID,
        parameter('query', 'limit', 'Keyspaces of one page.', { ...count(1000), default: 100 }),
        parameter('query', 'after', '`next` of the page before.', { type: 'string', maxLength: 128 }),
      ],
      responses: {
        ...PROBLEMS,
        200: success('A page.', {
          type: 'object',
          required: ['keyspaces'],
          properties: {
            keyspaces: { type: 'array', items: ref('Keyspace') },
            next: { type: 'string', description: 'For the next page; absent on the last one.' },
          },
        }),
      },
    },
  },
  '/v1/keyspaces/{name}': {
    get: {
      operationId: 'getKeyspace',
      summary: 'Describe a keyspace',
      description: 'One that is being deleted says how many keys are left; when all are gone, 404.',
      tags,
      parameters: [NAME, DEADLINE, REQUEST_ID],
      responses: { ...PROBLEMS, 200: success('The keyspace.', ref('Keyspace')) },
    },
    patch: {
      operationId: 'updateKeyspace',
      summary: 'Change settings of a keyspace',
      description:
        'For administrators of the keyspace. What is not given stays. Values that exist keep their time to live.',
      tags,
      parameters: [NAME, DEADLINE, REQUEST_ID],
      requestBody: { required: true, content: json(schemaOf(keyspaceSettingsSchema, 'input')) },
      responses: { ...WRITE_PROBLEMS, 200: success('The keyspace as it is now.', ref('Keyspace')) },
    },
    delete: {
      operationId: 'deleteKeyspace',
      summary: 'Delete a keyspace with all its values',
      description:
        'For administrators of the keyspace. Hidden from everybody when this answers; the values are removed afterwards, whatever fails meanwhile. Its name is free again when `GET` answers 404.',
      tags,
      parameters: [NAME, DEADLINE, REQUEST_ID],
      responses: { ...WRITE_PROBLEMS, 202: success('It is being deleted.', ref('Keyspace'), LOCATION) },
    },
  },
};
