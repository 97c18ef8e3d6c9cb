import { type NodeId, pureKernels, utf8 } from '@holdfast/io';
import { ByteBuffer } from 'flatbuffers';
import { describe, expect, it } from 'vitest';
import { AnswerFlag, Consistency } from './data-ops.ts';
import { DataResponseBuilder, detailBytes } from './data-response-builder.ts';
import { DataResponseReader } from './data-response-reader.ts';
import { FRAME_HEADER_BYTES } from './frame.ts';
import { DataResponse } from './generated/data-response.ts';
import { RESPONSE_OP, SCAN_ROW } from './generated/layout.ts';
import { ProtocolError } from './holdfast-error.ts';
import { DETAIL_BYTES_MAX, SCAN_ROWS_MAX } from './limits.ts';
import { ScanRowsBuilder } from './scan-rows.ts';

const kernels = pureKernels;

function read(answers: DataResponseBuilder, opsCount?: number): DataResponseReader {
  return DataResponseReader.read(answers.toFrame(kernels, 1, 1, 99).slice(FRAME_HEADER_BYTES), opsCount);
}

describe('a batch of answers', () => {
  it('names the op of each answer, in any order, over several frames', () => {
    const answers = new DataResponseBuilder();
    answers.value(3, 12, utf8('three'), utf8('text/plain'), Consistency.bounded, 40.5, AnswerFlag.leader);
    answers.written(1, 13, AnswerFlag.found);
    const first = read(answers, 4);
    answers.absent(0, 7);
    answers.refused(2, 'HF_PRECONDITION_FAILED', {
      revision: 2 ** 52,
      detail: 'ревизия',
      flags: AnswerFlag.found,
    });
    const second = read(answers, 4);

    expect([first.count, first.clock, first.opIndex(0), first.opIndex(1)]).toEqual([2, 99, 3, 1]);
    expect([first.ok(0), first.found(0), first.revision(0), first.served(0), first.stalenessMs(0)]).toEqual([
      true,
      true,
      12,
      Consistency.bounded,
      41,
    ]);
    expect([first.value(0), first.contentType(0)]).toEqual([utf8('three'), utf8('text/plain')]);
    expect([first.outcome(1), first.found(1), first.replayed(1), first.revision(1)]).toEqual([
      'applied',
      true,
      false,
      13,
    ]);
    expect([second.ok(0), second.found(0), second.revision(0), second.value(0).length]).toEqual([
      true,
      false,
      7,
      0,
    ]);
    expect(second.error(1)).toMatchObject({
      code: 'HF_PRECONDITION_FAILED',
      outcome: 'not_applied',
      revision: 2 ** 52,
      detail: 'ревизия',
    });
    expect(second.found(1)).toBe(true);
  });

  it('overrides the outcome of the table', () => {
    const answers = new DataResponseBuilder();
    answers.refused(0, 'HF_NO_QUORUM', { outcome: 'unknown', leaderHint: 3 as NodeId, retryAfterMs: 12.2 });
    const error = read(answers).error(0);
    expect(error).toMatchObject({
      code: 'HF_NO_QUORUM',
      outcome: 'unknown',
      leaderHint: 3,
      retryAfterMs: 13,
    });
  });

  it('carries the rows of a scan', () => {
    const answers = new DataResponseBuilder();
    const rows = new ScanRowsBuilder();
    for (let i = 0; i < 100; i++)
      rows.add(utf8(`key ${i}`), utf8('v'.repeat(i)), 2 ** 50 + i, utf8(i % 2 ? 'a/b' : ''));
    const scan = {
      served: Consistency.strong,
      stalenessMs: 0,
      revision: 5,
      flags: AnswerFlag.more,
      resumeKey: utf8('next'),
    };
    answers.written(1, 1);
    answers.rows(0, rows, scan);
    rows.reset();
    answers.rows(2, rows, { ...scan, flags: 0, resumeKey: utf8('') });
    const reader = read(answers);
    expect([reader.rowCount(1), reader.rowCount(2)]).toEqual([100, 0]);
    expect([reader.resumeKey(1), reader.resumeKey(2).length]).toEqual([utf8('next'), 0]);
    const cursor = reader.rows(1);
    for (let i = 0; i < 100; i++) {
      expect(cursor.next()).toBe(true);
      expect(cursor.key).toEqual(utf8(`key ${i}`));
      expect(cursor.value).toEqual(utf8('v'.repeat(i)));
      expect(cursor.contentType).toEqual(utf8(i % 2 ? 'a/b' : ''));
      expect(cursor.revision).toBe(2 ** 50 + i);
    }
    expect(cursor.next()).toBe(false);
    expect(reader.rows(2).next()).toBe(false);
  });

  it('is what flatc reads', () => {
    const answers = new DataResponseBuilder();
    answers.value(5, 2 ** 52 + 1, utf8('value'), utf8('ct'));
    answers.refused(6, 'HF_OVERLOADED', { retryAfterMs: 9 });
    const payload = answers.toFrame(kernels, 1, 1, 2 ** 50).slice(FRAME_HEADER_BYTES);
    const oracle = DataResponse.getRootAsDataResponse(new ByteBuffer(payload));
    expect([oracle.clock(), oracle.opsLength(), oracle.blobLength()]).toEqual([BigInt(2 ** 50), 2, 7]);
    const [value, refused] = [oracle.ops(0)!, oracle.ops(1)!];
    expect([value.revision(), value.index(), value.status(), value.valueLength()]).toEqual([
      BigInt(2 ** 52 + 1),
      5,
      0,
      5,
    ]);
    expect([refused.index(), refused.status(), refused.retryAfterMs(), refused.reserved0()]).toEqual([
      6, 404, 9, 0,
    ]);
  });

  it('cuts a long detail between characters', () => {
    const bytes = detailBytes('ж'.repeat(DETAIL_BYTES_MAX));
    expect(bytes.length).toBe(DETAIL_BYTES_MAX);
    expect(detailBytes(`a${'ж'.repeat(DETAIL_BYTES_MAX)}`).length).toBe(DETAIL_BYTES_MAX - 1);
  });

  it('carries the result of an increment', () => {
    const answers = new DataResponseBuilder();
    answers.incremented(0, 4, -(2 ** 53) + 1);
    answers.written(1, 4);
    const reader = read(answers);
    expect([reader.result(0), reader.result(1)]).toEqual([-(2 ** 53) + 1, Number.NaN]);
  });
});

describe('DataResponseReader refuses', () => {
  it('an answer to an op that was not asked, and more answers than ops', () => {
    const answers = new DataResponseBuilder();
    answers.absent(4);
    expect(() => read(answers, 4)).toThrow(ProtocolError);
    answers.absent(0);
    answers.absent(0);
    expect(() => read(answers, 1)).toThrow(ProtocolError);
  });

  it('rows that do not tile their bytes', () => {
    const rows = new ScanRowsBuilder();
    rows.add(utf8('a'), utf8('1'), 1);
    rows.add(utf8('b'), utf8('2'), 2);
    const scan = { served: Consistency.strong, stalenessMs: 0, revision: 5, flags: 0, resumeKey: utf8('') };
    const damaged = (change: (view: DataView, op: number, firstRow: number) => void): (() => unknown) => {
      const answers = new DataResponseBuilder();
      answers.rows(0, rows, scan);
      const payload = answers.toFrame(kernels, 1, 1, 0).slice(FRAME_HEADER_BYTES);
      const op = DataResponse.getRootAsDataResponse(new ByteBuffer(payload)).ops(0)!.bb_pos;
      change(new DataView(payload.buffer), op, payload.length - rows.byteLength);
      return () => DataResponseReader.read(payload);
    };
    damaged(() => undefined)();
    for (const count of [1, 3, SCAN_ROWS_MAX + 1, 0xffff_ffff]) {
      expect(damaged((view, op) => view.setUint32(op + RESPONSE_OP.rowCount, count, true))).toThrow(
        ProtocolError,
      );
    }
    expect(damaged((view, _, row) => view.setUint32(row + SCAN_ROW.valueLength, 0xffff_ffff, true))).toThrow(
      ProtocolError,
    );
    expect(damaged((view, _, row) => view.setUint16(row + SCAN_ROW.keyLength, 2, true))).toThrow(
      ProtocolError,
    );
    expect(damaged((view, _, row) => view.setUint32(row + SCAN_ROW.revision + 4, 2 ** 21, true))).toThrow(
      ProtocolError,
    );
  });
});
