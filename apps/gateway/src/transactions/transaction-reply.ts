import type { OpResult, OpSink, RequestedStep, StepResult } from '@holdfast/client';
import { replyProblem } from '@holdfast/service';
import { HoldfastError, OpKind } from '@holdfast/wire';
import type { FastifyReply } from 'fastify';
import { counterOf, replyWritten } from '../key-reply.ts';
import { valueMembers } from '../values/json-value.ts';
import type { Transaction } from './transaction-schema.ts';

/** Answers a transaction when it has been decided. */
export class TransactionReply implements OpSink {
  readonly #reply: FastifyReply;
  readonly #transaction: Transaction;
  readonly #hasElse: boolean;

  constructor(reply: FastifyReply, transaction: Transaction, hasElse: boolean) {
    this.#reply = reply;
    this.#transaction = transaction;
    this.#hasElse = hasElse;
  }

  done(result: OpResult): void {
    const { succeeded } = result;
    const { failedCheck, results } = result.transaction();
    if (!succeeded && !this.#hasElse) {
      this.failed(
        new HoldfastError('HF_PRECONDITION_FAILED', { detail: `checks.${failedCheck} did not hold` }),
      );
      return;
    }
    const steps = succeeded ? this.#transaction.success : this.#transaction.failure;
    const texts = results.map((step, i) => stepText(steps[i], step));
    const failed = failedCheck === undefined ? '' : `"failed_check":${failedCheck},`;
    const json = `{"succeeded":${succeeded},${failed}"revision":${result.revision},"results":[${texts.join(',')}]}`;
    replyWritten(this.#reply, result, Buffer.from(json));
  }

  failed(error: HoldfastError): void {
    replyProblem(this.#reply, error);
  }
}

/** What one step found or made, as an object. */
function stepText({ kind }: RequestedStep, result: StepResult): string {
  const { revision, found, value, contentType, expiresAtMs } = result;
  switch (kind) {
    case OpKind.get: {
      if (!found) return '{"found":false}';
      const expires = expiresAtMs === 0 ? '' : `"expires_at":"${new Date(expiresAtMs).toISOString()}",`;
      return `{"found":true,"revision":${revision},${expires}${valueMembers(value, contentType)}}`;
    }
    case OpKind.increment:
      return `{"revision":${revision},"value":${counterOf(result)}}`;
    default:
      return `{"revision":${revision},"existed":${found}}`;
  }
}
