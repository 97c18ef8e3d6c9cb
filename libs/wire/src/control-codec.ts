import { decodeUtf8, viewOf } from '@holdfast/io';
import { Builder, ByteBuffer } from 'flatbuffers';
import { detailBytes } from './data-response-builder.ts';
import { ProtocolError } from './holdfast-error.ts';
import { verifyTable } from './verifier.ts';
import type { TableShape } from './table-shape.ts';

/** Rare, small messages use what flatc generates; these are the pieces around it. */

/** `fill` writes the table and gives its offset. */
export function buildTable(fill: (builder: Builder) => number): Uint8Array {
  const builder = new Builder(256);
  builder.finish(fill(builder));
  return builder.asUint8Array();
}

/** Verified bytes for a generated accessor. @throws ProtocolError */
export function openTable(payload: Uint8Array, shape: TableShape): ByteBuffer {
  verifyTable(viewOf(payload), shape);
  return new ByteBuffer(payload);
}

/** Text of a string field. @throws ProtocolError when it is longer than its limit or not UTF-8. */
export function textOf(bytes: unknown, bytesMax: number, field: string): string {
  if (!(bytes instanceof Uint8Array)) return '';
  if (bytes.length > bytesMax) throw new ProtocolError('limit', `${field} of ${bytes.length} bytes`);
  const text = decodeUtf8(bytes);
  if (text === undefined) throw new ProtocolError('malformed', `${field} is not UTF-8`);
  return text;
}

/** A u64 field below 2^53. @throws ProtocolError */
export function u53Of(value: bigint, field: string): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER))
    throw new ProtocolError('malformed', `${field} of 2^53 or more`);
  return Number(value);
}

/** Writes a detail, cut to its limit. */
export function createDetail(builder: Builder, detail: string): number {
  return builder.createString(detailBytes(detail));
}
