import { Prng, rangeId } from '@holdfast/io';
import { MemoryStorage, ids } from '../testing/memory-storage.ts';
import { confStateOf, type Message, Raft, type Ready } from './index.ts';

/**
 * Proposals per second of three replicas in one process: no network, no disk, only the state machine.
 * Run: node --conditions=source libs/raft/src/raft.bench.ts
 */
const BATCH = 64;
const BYTES = 128;
const COMPACT_EVERY = 4096;

interface Member {
  readonly raft: Raft;
  readonly storage: MemoryStorage;
}

function makeGroup(group: number): readonly Member[] {
  const members = ids(1, 2, 3);
  return members.map((id) => {
    const storage = new MemoryStorage(confStateOf(members));
    return { raft: new Raft({ id, group: rangeId(group) }, storage, new Prng(group * 10 + id)), storage };
  });
}

function settle(members: readonly Member[]): void {
  const network: Message[] = [];
  for (let busy = true; busy;) {
    busy = false;
    for (const { raft, storage } of members) {
      while (raft.hasReady()) {
        busy = true;
        const ready: Ready = raft.ready();
        for (const message of ready.messages) network.push(message);
        raft.advance(ready);
        storage.write(ready);
        raft.persisted(ready);
        for (const message of ready.messagesAfterPersist) network.push(message);
        const last = ready.committed.at(-1);
        if (last !== undefined) raft.applied(last.index);
      }
    }
    for (const message of network.splice(0)) members[message.to - 1].raft.step(message);
  }
}

function measure(groups: number, proposals: number): void {
  const all = Array.from({ length: groups }, (_, i) => makeGroup(i + 1));
  for (const members of all) {
    members[0].raft.campaign();
    settle(members);
  }
  const data = new Uint8Array(BYTES);
  const batch = Array.from({ length: BATCH }, () => data);
  const rounds = Math.ceil(proposals / BATCH / groups);
  const start = performance.now();
  for (let round = 0; round < rounds; round++) {
    for (const members of all) {
      members[0].raft.propose(batch);
      settle(members);
      if (members[0].raft.commit % COMPACT_EVERY < BATCH) {
        for (const { storage, raft } of members) storage.compact(raft.matchedByAll() - BATCH);
      }
    }
  }
  const seconds = (performance.now() - start) / 1000;
  const done = rounds * groups * BATCH;
  const committed = all.reduce((sum, members) => sum + members[0].raft.commit, 0);
  if (committed < done) throw new Error(`only ${committed} of ${done} committed`);
  console.log(
    `${groups} group(s): ${Math.round(done / seconds)} proposals/s, batches of ${BATCH} x ${BYTES} B`,
  );
}

measure(1, 200_000);
measure(1, 1_000_000);
measure(1000, 640_000);
