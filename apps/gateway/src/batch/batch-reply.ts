import type { Operation, OpResult, OpSink, ReplicaRole } from '@holdfast/client';
import { type Problem, problemOf } from '@holdfast/service';
import { Consistency, HoldfastError, isWrite, OpKind } from '@holdfast/wire';
import type { FastifyReply } from 'fastify';
import { counterOf, servedText } from '../key-reply.ts';
import { valueMembers } from '../values/json-value.ts';

/** The answer to one batch, in characters; results that do not fit say so. */
export const ANSWER_CHARS_MAX = 16 * 1024 * 1024;

/** Answers a batch when every operation has ended: 200 when all succeeded, else 207. */
export class BatchReply implements OpSink {
  readonly #reply: FastifyReply;
  readonly #operations: readonly Operation[];
  readonly #asked: Consistency;
  readonly #texts: string[];
  #left: number;
  #chars = 0;
  #failed = false;
  /** The weakest of what the operations were served at. */
  #servedLevel: Consistency = Consistency.strong;
  #stalenessMs = 0;
  #role: ReplicaRole = 'leader';

  /** @param asked level of the reads among the operations */
  constructor(reply: FastifyReply, operations: readonly Operation[], asked: Consistency) {
    this.#reply = reply;
    this.#asked = asked;
    this.#operations = operations;
    this.#texts = new Array<string>(operations.length).fill('');
    this.#left = operations.length;
  }

  done(result: OpResult, tag: number): void {
    const { kind } = this.#operations[tag];
    if (!isWrite(kind)) this.#serve(result);
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

  #serve({ servedLevel, stalenessMs, role }: OpResult): void {
    if (servedLevel > this.#servedLevel) this.#servedLevel = servedLevel;
    this.#stalenessMs = Math.max(this.#stalenessMs, stalenessMs);
    if (role === 'follower') this.#role = 'follower';
  }

  #ended(text: string, tag: number): void {
    this.#texts[tag] = text;
    this.#chars += text.length;
    this.#left--;
    if (this.#left > 0) return;
    void this.#reply
      .code(this.#failed ? 207 : 200)
      .header('content-type', 'application/json')
      .header(
        'holdfast-consistency',
        servedText(this.#asked, {
          servedLevel: this.#servedLevel,
          stalenessMs: this.#stalenessMs,
          role: this.#role,
        }),
      )
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
