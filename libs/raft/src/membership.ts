import { type NodeId } from '@holdfast/io';
import { checkConfiguration, isJoint } from './configuration.ts';
import type { ConfState } from './message.ts';
import { Progress } from './progress.ts';
import { jointVote, quorumReached, type QuorumField, type VoteResult } from './quorum.ts';

/** The configuration in force, with one `Progress` per member. Lists are in order of node id. */
export class Membership {
  conf: ConfState;
  /** Every member, this node too when it is one. */
  peers: readonly Progress[] = [];
  voters: readonly Progress[] = [];
  /** The outgoing half of a joint configuration, else empty. */
  outgoing: readonly Progress[] = [];
  /** This node; undefined when it is not a member. */
  self: Progress | undefined = undefined;
  private readonly id: NodeId;
  private readonly learnersCount: boolean;
  private byId = new Map<NodeId, Progress>();

  /** @param learnersCount the canary `learner-in-quorum`. */
  constructor(id: NodeId, conf: ConfState, learnersCount: boolean) {
    this.id = id;
    this.conf = conf;
    this.learnersCount = learnersCount;
  }

  /** Takes over `conf`. Members that stay keep their progress; new ones are probed at `next`. */
  change(conf: ConfState, next: number, now: number): void {
    checkConfiguration(conf);
    const before = this.byId;
    this.conf = conf;
    this.byId = new Map();
    const learners = new Set(conf.learners);
    const ids = new Set([...conf.voters, ...conf.votersOutgoing, ...conf.learners]);
    for (const id of [...ids].sort((a, b) => a - b)) {
      const progress = before.get(id) ?? new Progress(id, false, next, now);
      if (!before.has(id)) progress.reset(next, now);
      progress.learner = learners.has(id);
      this.byId.set(id, progress);
    }
    this.peers = [...this.byId.values()];
    this.voters = this.pick(this.learnersCount ? [...conf.voters, ...conf.learners] : conf.voters);
    this.outgoing = this.pick(conf.votersOutgoing);
    this.self = this.byId.get(this.id);
  }

  get(id: NodeId): Progress | undefined {
    return this.byId.get(id);
  }

  /** Whether this node may become leader: it votes in some half. */
  get selfVotes(): boolean {
    return this.isVoter(this.id);
  }

  isVoter(id: NodeId): boolean {
    const progress = this.byId.get(id);
    return progress !== undefined && !progress.learner;
  }

  get joint(): boolean {
    return isJoint(this.conf);
  }

  /** The highest value of `field` that a quorum has reached. */
  reached(field: QuorumField): number {
    return quorumReached(this.voters, this.outgoing, field);
  }

  tally(votes: ReadonlyMap<NodeId, boolean>): VoteResult {
    return jointVote(this.conf.voters, this.conf.votersOutgoing, votes);
  }

  private pick(ids: readonly NodeId[]): readonly Progress[] {
    return ids.map((id) => this.byId.get(id)).filter((progress) => progress !== undefined);
  }
}
