import { assert, type NodeId } from '@holdfast/io';
import type { SnapshotMeta } from '@holdfast/raft';
import { SNAPSHOT_HEAD as HEAD } from './generated/layout.ts';
import type { GrowableBytes } from './growable-bytes.ts';
import { ProtocolError } from './holdfast-error.ts';
import { REPLICAS_MAX } from './limits.ts';
import { getU53, isU53, putU53 } from './u53.ts';

/** Appends a snapshot's description: the struct SnapshotHead, then the ids of its configuration, u32 each. */
export function appendSnapshotMeta(target: GrowableBytes, meta: SnapshotMeta): void {
  const { voters, votersOutgoing, learners, learnersNext, autoLeave } = meta.conf;
  const at = target.reserve(HEAD.bytes);
  target.bytes.fill(0, at, at + HEAD.bytes);
  const { view } = target;
  putU53(view, at + HEAD.index, meta.index);
  putU53(view, at + HEAD.term, meta.term);
  view.setUint16(at + HEAD.voterCount, voters.length, true);
  view.setUint16(at + HEAD.outgoingCount, votersOutgoing.length, true);
  view.setUint16(at + HEAD.learnerCount, learners.length, true);
  view.setUint16(at + HEAD.learnerNextCount, learnersNext.length, true);
  view.setUint8(at + HEAD.autoLeave, autoLeave ? 1 : 0);
  for (const ids of [voters, votersOutgoing, learners, learnersNext]) {
    assert(ids.length <= REPLICAS_MAX, 'more than REPLICAS_MAX replicas');
    for (const id of ids) {
      const idAt = target.reserve(4);
      target.view.setUint32(idAt, id, true);
    }
  }
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
