import { decodeUtf8, type NodeId, nodeId, type RangeId, rangeId, utf8 } from '@holdfast/io';
import type { ConfState } from '@holdfast/raft';
import { compareDataKey } from '../tree-keys.ts';

/** What a range covers and who holds it. Replicated state of the range itself. */
export interface RangeDescriptor {
  readonly id: RangeId;
  /** First tree key that belongs to the range. */
  readonly start: Uint8Array;
  /** First tree key behind the range. */
  readonly end: Uint8Array;
  /** Counts changes of bounds and replicas; the higher one is the newer truth. */
  readonly generation: number;
  readonly conf: ConfState;
  /** Revision of the latest record of the members by which `conf` was made or confirmed; 0 for none. */
  readonly confRevision: number;
}

export function rangeContains(descriptor: RangeDescriptor, keyspace: number, userKey: Uint8Array): boolean {
  const { start, end } = descriptor;
  return compareDataKey(keyspace, userKey, start) >= 0 && compareDataKey(keyspace, userKey, end) < 0;
}

interface DescriptorJson {
  readonly id: number;
  readonly start: string;
  readonly end: string;
  readonly generation: number;
  readonly voters: readonly number[];
  readonly votersOutgoing: readonly number[];
  readonly learners: readonly number[];
  readonly learnersNext: readonly number[];
  readonly autoLeave: boolean;
  /** Missing where it is 0. */
  readonly confRevision?: number;
}

/** JSON: read by people in dumps, changed rarely. Keys are hexadecimal. */
export function encodeDescriptor(descriptor: RangeDescriptor): Uint8Array {
  const json: DescriptorJson = {
    id: descriptor.id,
    start: toHex(descriptor.start),
    end: toHex(descriptor.end),
    generation: descriptor.generation,
    voters: descriptor.conf.voters,
    votersOutgoing: descriptor.conf.votersOutgoing,
    learners: descriptor.conf.learners,
    learnersNext: descriptor.conf.learnersNext,
    autoLeave: descriptor.conf.autoLeave,
    ...(descriptor.confRevision > 0 && { confRevision: descriptor.confRevision }),
  };
  return utf8(JSON.stringify(json));
}

/** Undefined when the bytes are not a descriptor. */
export function decodeDescriptor(bytes: Uint8Array): RangeDescriptor | undefined {
  const text = decodeUtf8(bytes);
  if (text === undefined) return undefined;
  const json = JSON.parse(text) as DescriptorJson;
  const nodes = (ids: readonly number[]): readonly NodeId[] => ids.map(nodeId);
  return {
    id: rangeId(json.id),
    start: fromHex(json.start),
    end: fromHex(json.end),
    generation: json.generation,
    conf: {
      voters: nodes(json.voters),
      votersOutgoing: nodes(json.votersOutgoing),
      learners: nodes(json.learners),
      learnersNext: nodes(json.learnersNext),
      autoLeave: json.autoLeave,
    },
    confRevision: json.confRevision ?? 0,
  };
}

/** Two lower-case digits a byte. */
export function toHex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}

/** The bytes of {@link toHex}. */
export function fromHex(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}
