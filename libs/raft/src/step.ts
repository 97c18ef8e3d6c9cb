import { unreachable } from '@holdfast/io';
import { type RaftCore } from './core.ts';
import {
  handlePreVoteRequest,
  handlePreVoteResponse,
  handleVoteRequest,
  handleVoteResponse,
} from './election.ts';
import {
  handleAppendRequest,
  handleHeartbeatRequest,
  handleSnapshotRequest,
  handleTimeoutNow,
} from './follower.ts';
import { type Message, MessageKind } from './message.ts';
import { wake } from './quiescence.ts';
import { handleReadIndexRequest, handleReadIndexResponse } from './reads.ts';
import { handleAppendResponse, handleHeartbeatResponse } from './replication.ts';
import { becomeFollower, isSticky } from './role.ts';

/** One message from a peer. Messages for others, of old terms, or from strangers change nothing. */
export function step(core: RaftCore, message: Message): void {
  const { settings } = core;
  if (message.to !== settings.id || message.group !== settings.group || message.from === settings.id) return;
  if (settings.clock !== undefined) settings.clock.observe(message.clock);
  if (message.term < core.term) return answerOldTerm(core, message);
  if (core.quiet) wake(core);
  if (message.term > core.term && !enterTerm(core, message)) return;
  switch (message.kind) {
    case MessageKind.appendRequest:
      return handleAppendRequest(core, message);
    case MessageKind.appendResponse:
      if (core.role === 'leader') handleAppendResponse(core, message);
      return;
    case MessageKind.heartbeatRequest:
      return handleHeartbeatRequest(core, message);
    case MessageKind.heartbeatResponse:
      if (core.role === 'leader') handleHeartbeatResponse(core, message);
      return;
    case MessageKind.voteRequest:
      return handleVoteRequest(core, message);
    case MessageKind.voteResponse:
      return handleVoteResponse(core, message);
    case MessageKind.preVoteRequest:
      return handlePreVoteRequest(core, message);
    case MessageKind.preVoteResponse:
      return handlePreVoteResponse(core, message);
    case MessageKind.snapshotRequest:
      return handleSnapshotRequest(core, message);
    case MessageKind.readIndexRequest:
      return handleReadIndexRequest(core, message);
    case MessageKind.readIndexResponse:
      return handleReadIndexResponse(core, message);
    case MessageKind.timeoutNow:
      return handleTimeoutNow(core);
    default:
      unreachable(message.kind, 'unknown message kind');
  }
}

/** A higher term (paper 5.1). Returns false when the message must not even be looked at. */
function enterTerm(core: RaftCore, message: Message): boolean {
  switch (message.kind) {
    case MessageKind.preVoteRequest:
      return !isSticky(core);
    case MessageKind.preVoteResponse:
      // A grant names the term that this node would campaign in; a refusal, the term of its sender.
      if (message.reject) becomeFollower(core, message.term, 0);
      return true;
    case MessageKind.voteRequest:
      if (message.context !== 1 && isSticky(core)) return false;
      becomeFollower(core, message.term, 0);
      return true;
    case MessageKind.appendRequest:
    case MessageKind.heartbeatRequest:
    case MessageKind.snapshotRequest:
      becomeFollower(core, message.term, message.from);
      return true;
    default:
      becomeFollower(core, message.term, 0);
      return true;
  }
}

/**
 * The sender is behind. A deposed leader or a candidate in vain hears of the term, and so becomes a follower
 * that the leader can reach: with pre-vote and stickiness nothing else would tell it.
 */
function answerOldTerm(core: RaftCore, message: Message): void {
  const { from, index } = message;
  switch (message.kind) {
    case MessageKind.appendRequest:
    case MessageKind.heartbeatRequest:
    case MessageKind.snapshotRequest:
      // It says nothing about this log. The sender may lead this very term when the answer comes: to the leader of it,
      // the logs could meet anywhere up to `index`.
      return answerLater(
        core,
        core.message(MessageKind.appendResponse, from, core.term, index, 0, true, index, 0),
      );
    case MessageKind.preVoteRequest:
      return refuseVote(core, MessageKind.preVoteResponse, message);
    case MessageKind.voteRequest:
      return refuseVote(core, MessageKind.voteResponse, message);
    default:
      return;
  }
}

function refuseVote(core: RaftCore, kind: MessageKind, { from, index }: Message): void {
  answerLater(core, core.message(kind, from, core.term, index, core.log.commitTerm, true, 0, 0));
}

/** The term must be durable before anybody hears of it. */
function answerLater(core: RaftCore, message: Message): void {
  core.messagesAfterPersist.push(message);
}
