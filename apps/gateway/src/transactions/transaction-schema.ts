import type { RequestedCheck, RequestedStep, TransactionRequest } from '@holdfast/client';
import { Condition, HoldfastError, OpKind, TRANSACTION_STEPS_MAX } from '@holdfast/wire';
import { z } from 'zod';
import {
  counterBytes,
  deleteSchema,
  getSchema,
  incrementOpSchema,
  keyOf,
  placeSchema,
  putSchema,
} from '../batch/operation-schema.ts';
import { jsonValueSchema, storedOf } from '../values/json-value.ts';

const checkSchema = z.strictObject({
  ...placeSchema,
  revision: z.int().min(1).optional().describe('The key has exactly this revision.'),
  exists: z.boolean().optional().describe('The key has a value, or has none.'),
  value: jsonValueSchema.value.describe('The value is this JSON, byte for byte.'),
  text: z.string().optional().describe('The value is this text.'),
  base64: jsonValueSchema.base64.describe('The value has these bytes.'),
});
const stepSchema = z.discriminatedUnion('op', [putSchema, deleteSchema, incrementOpSchema, getSchema]);

/** The body of `POST /v1/transactions`. */
export const transactionSchema = z.strictObject({
  checks: z.array(checkSchema).max(TRANSACTION_STEPS_MAX).default([]).describe('What must hold.'),
  then: z.array(stepSchema).max(TRANSACTION_STEPS_MAX).default([]).describe('Done when every check holds.'),
  else: z
    .array(stepSchema)
    .max(TRANSACTION_STEPS_MAX)
    .optional()
    .describe('Done otherwise. Without it, a check that does not hold is a failure (412).'),
});

type Step = z.output<typeof stepSchema>;
type Check = z.output<typeof checkSchema>;
interface Placed {
  readonly keyspace: string;
}

/** A transaction in the terms of the client; every part names its keyspace. */
export interface Transaction extends TransactionRequest {
  readonly checks: readonly (RequestedCheck & Placed)[];
  readonly success: readonly (RequestedStep & Placed)[];
  readonly failure: readonly (RequestedStep & Placed)[];
}

/** @throws HoldfastError HF_BAD_REQUEST, HF_KEY_INVALID, HF_KEY_TOO_LARGE, HF_VALUE_TOO_LARGE, HF_BATCH_TOO_LARGE. */
export function transactionOf(body: z.output<typeof transactionSchema>): Transaction {
  const { checks, then: success, else: failure = [] } = body;
  const count = checks.length + success.length + failure.length;
  if (count === 0) throw new HoldfastError('HF_BAD_REQUEST', { detail: 'a transaction has a step' });
  if (count > TRANSACTION_STEPS_MAX) {
    throw new HoldfastError('HF_BATCH_TOO_LARGE', {
      detail: `a transaction has at most ${TRANSACTION_STEPS_MAX} checks and steps`,
    });
  }
  return { checks: checks.map(checkOf), success: success.map(stepOf), failure: failure.map(stepOf) };
}

function checkOf(check: Check): RequestedCheck & Placed {
  const { keyspace, revision, exists, value, text, base64 } = check;
  const comparesValue = value !== undefined || text !== undefined || base64 !== undefined;
  const given = [revision !== undefined, exists !== undefined, comparesValue].filter(Boolean).length;
  if (given !== 1) {
    throw new HoldfastError('HF_BAD_REQUEST', { detail: 'a check has one of revision, exists, and a value' });
  }
  const place = { keyspace, key: keyOf(check) };
  if (revision !== undefined) return { ...place, condition: Condition.revisionEquals, revision };
  if (exists !== undefined) return { ...place, condition: exists ? Condition.exists : Condition.absent };
  return { ...place, condition: Condition.valueEquals, value: storedOf({ value, text, base64 }).value };
}

function stepOf(step: Step): RequestedStep & Placed {
  const place = { keyspace: step.keyspace, key: keyOf(step) };
  switch (step.op) {
    case 'get':
      return { kind: OpKind.get, ...place };
    case 'put':
      return { kind: OpKind.put, ...place, ...storedOf(step), ttlMs: step.ttl_ms };
    case 'delete':
      return { kind: OpKind.delete, ...place };
    case 'increment':
      return { kind: OpKind.increment, ...place, value: counterBytes(step.delta) };
  }
}
