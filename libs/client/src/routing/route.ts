import type { Cancel, NodeId, RangeId } from '@holdfast/io';
import { OpList } from '../engine/op-list.ts';
import type { PendingOp } from '../engine/pending-op.ts';
import type { LeaderSearch } from './leader-search.ts';
import type { RangeEntry } from './range-map.ts';

/** What the client knows of one range beyond the map: who leads it, or how far the search for the leader is. */
export class Route {
  readonly rangeId: RangeId;
  /** As the newest map describes it. */
  range: RangeEntry;
  /** 0 = unknown. */
  leader: NodeId | 0;
  /** Who led before the leader was lost; 0 = nobody that we know of. */
  lostLeader: NodeId | 0 = 0;
  /** Set while the leader is being looked for; then operations that need it are parked. */
  search: LeaderSearch | undefined = undefined;
  readonly parked = new OpList<PendingOp>();
  /** The pause or patience that the search is in. */
  cancelTimer: Cancel | undefined = undefined;
  /** The timer is the pause between two rounds, which a refusal does not cut short. */
  pausing = false;
  /** Weak reads take the replicas in turn. */
  rotation = 0;

  constructor(range: RangeEntry) {
    this.rangeId = range.rangeId;
    this.range = range;
    this.leader = range.leaderHint;
  }
}
