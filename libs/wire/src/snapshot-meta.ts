import { assert, type NodeId, viewOf } from '@holdfast/io';
import type { SnapshotMeta } from '@holdfast/raft';
import { SNAPSHOT_HEAD as HEAD } from './generated/layout.ts';
import { ProtocolError } from './holdfast-error.ts';
import { REPLICAS_MAX } from './limits.ts';
import { getU53, isU53, putU53 } from './u53.ts';

/** A snapshot's description: the struct SnapshotHead, then the ids of its configuration, u32 each. */
export function encodeSnapshotMeta(meta: SnapshotMeta): Uint8Array {
  const { voters, votersOutgoing, learners, learnersNext, autoLeave } = meta.conf;
  const lists = [voters, votersOutgoing, learners, learnersNext];
  for (const ids of lists) assert(ids.length <= REPLICAS_MAX, 'more than REPLICAS_MAX replicas');
  const ids = lists.flat();
  const bytes = new Uint8Array(HEAD.bytes + 4 * ids.length);
  const view = viewOf(bytes);
  putU53(view, HEAD.index, meta.index);
  putU53(view, HEAD.term, meta.term);
  view.setUint16(HEAD.voterCount, voters.length, true);
  view.setUint16(HEAD.outgoingCount, votersOutgoing.length, true);
  view.setUint16(HEAD.learnerCount, learners.length, true);
  view.setUint16(HEAD.learnerNextCount, learnersNext.length, true);
  view.setUint8(HEAD.autoLeave, autoLeave ? 1 : 0);
  ids.forEach((id, i) => view.setUint32(HEAD.bytes + 4 * i, id, true));
  return bytes;
}

/**
 * Reads what stands in `view[start .. start + length)`, which the caller has found to be inside.
 * @throws ProtocolError
 */
export function readSnapshotMeta(view: DataView, start: number, length: number): SnapshotMeta {
  if (length < HEAD.bytes) throw new ProtocolError('malformed', 'snapshot description too short');
  if (!isU53(view, start + HEAD.index) || !isU53(view, start + HEAD.term)) {
    throw new ProtocolError('malformed', 'integer of 2^53 or more');
  }
  const counts = [HEAD.voterCount, HEAD.outgoingCount, HEAD.learnerCount, HEAD.learnerNextCount].map(
    (field) => view.getUint16(start + field, true),
  );
  let total = 0;
  for (const count of counts) {
    if (count > REPLICAS_MAX) throw new ProtocolError('limit', 'more than REPLICAS_MAX replicas');
    total += count;
  }
  if (length !== HEAD.bytes + 4 * total) throw new ProtocolError('malformed', 'snapshot description length');
  let at = start + HEAD.bytes;
  const ids = (count: number): NodeId[] => {
    const list: NodeId[] = [];
    for (let i = 0; i < count; i++, at += 4) list.push(view.getUint32(at, true) as NodeId);
    return list;
  };
  return {
    index: getU53(view, start + HEAD.index),
    term: getU53(view, start + HEAD.term),
    conf: {
      voters: ids(counts[0]),
      votersOutgoing: ids(counts[1]),
      learners: ids(counts[2]),
      learnersNext: ids(counts[3]),
      autoLeave: view.getUint8(start + HEAD.autoLeave) === 1,
    },
  };
}
