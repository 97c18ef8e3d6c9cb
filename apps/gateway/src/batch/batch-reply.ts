import type { Operation, OpResult, OpSink } from '@holdfast/client';
import { type Problem, problemOf } from '@holdfast/service';
import { HoldfastError, OpKind } from '@holdfast/wire';
import type { FastifyReply } from 'fastify';
import { counterOf } from '../key-reply.ts';
import { valueMembers } from '../values/json-value.ts';

/** The answer to one batch, in characters; results that do not fit say so. */
export const ANSWER_CHARS_MAX = 16 * 1024 * 1024;

/** Answers a batch when every operation has ended: 200 when all succeeded, else 207. */
export class BatchReply implements OpSink {
  readonly #reply: FastifyReply;
  readonly #operations: readonly Operation[];
  readonly #texts: string[];
  #left: number;
  #chars = 0;
  #failed = false;

  constructor(reply: FastifyReply, operations: readonly Operation[]) {
    this.#reply = reply;
    this.#operations = operations;
    this.#texts = new Array<string>(operations.length).fill('');
    this.#left = operations.length;
  }

  done(result: OpResult, tag: number): void {
    const { kind } = this.#operations[tag];
    if (kind === OpKind.get && !result.found) {
      this.failed(new HoldfastError('HF_KEY_NOT_FOUND'), tag);
      return;
    }
    const text = resultText(kind, result);
    if (this.#chars + text.length > ANSWER_CHARS_MAX) {
      const detail = 'the answers together are too large: ask for fewer values';
      this.failed(new HoldfastError('HF_BATCH_TOO_LARGE', { detail, outcome: result.outcome }), tag);
      return;
    }
    this.#ended(text, tag);
  }

  failed(error: HoldfastError, tag: number): void {
    this.#failed = true;
    this.#ended(failureText(problemOf(error, this.#reply.request.id)), tag);
  }

  #ended(text: string, tag: number): void {
    this.#texts[tag] = text;
    this.#chars += text.length;
    this.#left--;
    if (this.#left > 0) return;
    void this.#reply
      .code(this.#failed ? 207 : 200)
      .header('content-type', 'application/json')
      .send(`{"results":[${this.#texts.join(',')}]}`);
  }
}

/** One operation's success, as an object. */
export function resultText(kind: OpKind, result: OpResult): string {
  const { revision, replayed } = result;
  const head = `{"status":200,"revision":${revision}${replayed ? ',"replayed":true' : ''}`;
  if (kind === OpKind.get) return `${head},${valueMembers(result.value, result.contentType)}}`;
  if (kind === OpKind.increment) return `${head},"value":${counterOf(result)}}`;
  return `${head}}`;
}

function failureText(problem: Problem): string {
  return `{"status":${problem.status},"problem":${JSON.stringify(problem)}}`;
}
