import {
  type ConfState,
  decodeConfChange,
  type Entry,
  EntryKind,
  type Message,
  MessageKind,
  type Ready,
} from '../src/index.ts';
import { textOf } from './cluster.ts';

const names = new Map(Object.entries(MessageKind).map(([name, kind]) => [kind, name]));

export function describeEntry(entry: Entry): string {
  const place = `${entry.term}/${entry.index}`;
  if (entry.kind !== EntryKind.confChange) return `${place} "${textOf(entry.data)}"`;
  const { steps, transition } = decodeConfChange(entry.data);
  const words = steps.map(({ action, node }) => `${action} ${node}`);
  return `${place} conf ${words.length === 0 ? 'leave' : `${words.join(', ')} ${transition}`}`;
}

/** Entries as `term/index data`; the terms tell who wrote what. */
export function describeMessage(message: Message): string {
  const { kind, index, logTerm, commit, reject, rejectHint, context, entries, snapshot } = message;
  const words = [`${message.from}->${message.to}`, names.get(kind)!, `term=${message.term}`];
  if (kind === MessageKind.appendRequest) words.push(`after=${logTerm}/${index}`, `commit=${commit}`);
  else if (kind === MessageKind.voteRequest || kind === MessageKind.preVoteRequest) {
    words.push(`last=${logTerm}/${index}`, `commit=${rejectHint}/${commit}`);
  } else if (kind === MessageKind.voteResponse || kind === MessageKind.preVoteResponse) {
    words.push(`commit=${logTerm}/${commit}`);
  } else if (kind === MessageKind.appendResponse) words.push(`index=${index}`, `commit=${commit}`);
  else if (kind === MessageKind.heartbeatRequest || kind === MessageKind.heartbeatResponse) {
    words.push(`commit=${commit}`);
  } else if (kind === MessageKind.readIndexResponse) words.push(`index=${index}`);
  if (context > 0) words.push(`context=${context < 2 ** 20 ? context : '*'}`);
  if (reject)
    words.push(kind === MessageKind.appendResponse ? `refused, hint=${logTerm}/${rejectHint}` : 'flag');
  if (snapshot !== undefined)
    words.push(`snapshot=${snapshot.term}/${snapshot.index} ${describeConf(snapshot.conf)}`);
  if (entries.length > 0) words.push(`[${entries.map(describeEntry).join(', ')}]`);
  return words.join(' ');
}

export function describeConf(conf: ConfState): string {
  const parts = [`(${conf.voters.join(' ')})`];
  if (conf.votersOutgoing.length > 0) parts.push(`&& (${conf.votersOutgoing.join(' ')})`);
  if (conf.learners.length > 0) parts.push(`learners (${conf.learners.join(' ')})`);
  if (conf.learnersNext.length > 0) parts.push(`learners next (${conf.learnersNext.join(' ')})`);
  if (conf.autoLeave) parts.push('leaves by itself');
  return parts.join(' ');
}

/** Line by line, in the order in which a driver performs it. */
export function describeReady(ready: Ready): string[] {
  const lines: string[] = [];
  if (ready.softState !== undefined)
    lines.push(`role ${ready.softState.role}, leader ${ready.softState.leader}`);
  for (const message of ready.messages) lines.push(`send ${describeMessage(message)}`);
  if (ready.snapshot !== undefined)
    lines.push(`install snapshot ${ready.snapshot.term}/${ready.snapshot.index}`);
  if (ready.hardState !== undefined) {
    const { term, vote, commit } = ready.hardState;
    lines.push(`${ready.mustSync ? 'write' : 'queue'} term=${term} vote=${vote} commit=${commit}`);
  }
  for (const entry of ready.entries) lines.push(`write ${describeEntry(entry)}`);
  for (const message of ready.messagesAfterPersist)
    lines.push(`when durable: send ${describeMessage(message)}`);
  for (const entry of ready.committed) lines.push(`apply ${describeEntry(entry)}`);
  for (const read of ready.readStates) lines.push(`read ${read.token} at index ${read.index}`);
  for (const token of ready.readsDropped) lines.push(`read ${token} dropped`);
  for (const need of ready.snapshotsNeeded) lines.push(`snapshot needed by ${need.to}`);
  return lines.length === 0 ? ['nothing'] : lines;
}
