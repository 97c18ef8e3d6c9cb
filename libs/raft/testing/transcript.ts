import { assert, nodeId } from '@holdfast/io';
import {
  type ConfChangeStep,
  type ConfChangeTransition,
  confStateOf,
  LEAVE_JOINT,
  type Message,
  MessageKind,
  type RaftConfig,
  type Ready,
} from '../src/index.ts';
import { bytesOf } from './cluster.ts';
import { describeConf, describeMessage, describeReady } from './describe.ts';
import { ids } from './memory-storage.ts';
import { Replica, type ReplicaObserver } from './replica.ts';

/**
 * Runs a script of commands against a group and writes down everything that they cause. A script is a list of
 * blocks: comment lines, command lines, `----`, what came out, an empty line. The commands are in `COMMANDS`.
 */
export class Transcript implements ReplicaObserver {
  readonly #replicas = new Map<number, Replica>();
  #network: Message[] = [];
  #lines: string[] = [];
  #config: Omit<RaftConfig, 'id' | 'group'> = {};

  /** Runs one command line and returns what it wrote. */
  run(line: string): readonly string[] {
    this.#lines = [];
    const [name = '', ...words] = line.split(/\s+/);
    const command = COMMANDS[name];
    assert(command !== undefined, `unknown command: ${line}`);
    command(this, words);
    return this.#lines.length === 0 ? ['ok'] : this.#lines;
  }

  /** Settings of replicas made later: `name=value`. */
  configure(words: readonly string[]): void {
    for (const word of words) {
      const [key = '', value = ''] = word.split('=');
      const parsed =
        value === 'on' ? true : value === 'off' ? false : Number.isNaN(Number(value)) ? value : Number(value);
      this.#config = { ...this.#config, [key]: parsed };
    }
  }

  add(id: number, voters: readonly number[]): void {
    this.#replicas.set(id, new Replica(id, confStateOf(ids(...voters)), this, this.#config));
  }

  at(word: string | undefined): Replica {
    const replica = this.#replicas.get(Number(word));
    assert(replica !== undefined, `no replica ${word}`);
    return replica;
  }

  get all(): readonly Replica[] {
    return [...this.#replicas.values()];
  }

  /** Forgets what the command has written so far. */
  silence(): void {
    this.#lines = [];
  }

  write(line: string): void {
    this.#lines.push(line);
  }

  /** One Ready: printed and performed. What it writes waits for `sync`. */
  ready(replica: Replica, indent = ''): void {
    const ready: Ready = replica.raft.ready();
    for (const line of describeReady(ready)) this.write(indent + line);
    replica.perform(ready);
  }

  sync(replica: Replica, count: number, indent = ''): void {
    const before = this.#network.length;
    replica.sync(count);
    for (const message of this.#network.slice(before))
      this.write(`${indent}send ${describeMessage(message)}`);
  }

  /** Delivers, or loses, the messages that `matches` picks. */
  deliver(matches: (message: Message) => boolean, lost: boolean, indent = ''): number {
    const picked = this.#network.filter(matches);
    this.#network = this.#network.filter((message) => !matches(message));
    for (const message of picked) {
      const replica = this.#replicas.get(message.to);
      const arrives = !lost && replica?.up === true;
      this.write(`${indent}${arrives ? '' : 'lost: '}${describeMessage(message)}`);
      if (arrives) replica.raft.step(message);
    }
    return picked.length;
  }

  /** Everything among `members`, until nothing moves. */
  settle(members: readonly Replica[]): void {
    for (let busy = true; busy;) {
      busy = false;
      for (const replica of members) {
        if (!replica.up) continue;
        if (this.#network.some((message) => message.to === replica.id)) {
          busy = true;
          this.write(`${replica.id} receives`);
          this.deliver((message) => message.to === replica.id, false, '  ');
        }
        while (replica.raft.hasReady() || replica.inStorage.length > 0) {
          busy = true;
          if (replica.raft.hasReady()) {
            this.write(`${replica.id} ready`);
            this.ready(replica, '  ');
          } else {
            this.write(`${replica.id} synced`);
            this.sync(replica, replica.inStorage.length, '  ');
          }
        }
      }
    }
  }

  sent(message: Message): void {
    this.#network.push(message);
  }

  applied(): void {}

  restored(): void {}

  readServed(): void {}

  readDropped(): void {}

  snapshotNeeded(): void {}
}

type Command = (transcript: Transcript, words: readonly string[]) => void;

const COMMANDS: Readonly<Record<string, Command>> = {
  /** config electionTicks=10 preVote=off */
  config: (t, words) => t.configure(words),
  /** voters 1 2 3 */
  voters: (t, words) => {
    for (const word of words) t.add(Number(word), words.map(Number));
  },
  /** spare 4: a replica that is no member yet */
  spare: (t, words) => {
    for (const word of words) t.add(Number(word), []);
  },
  tick: (t, [id, count = '1']) => {
    for (let i = 0; i < Number(count); i++) t.at(id).raft.tick();
  },
  campaign: (t, [id]) => {
    t.write(t.at(id).raft.campaign() ? 'ok' : 'refused');
  },
  propose: (t, [id, ...texts]) => {
    const result = t.at(id).raft.propose(texts.map(bytesOf));
    t.write(
      result.ok ? `at ${result.term}/${result.index}` : `refused: ${result.reason}, leader ${result.leader}`,
    );
  },
  /** conf 1 auto add-learner 4 remove 2 */
  conf: (t, [id, transition, ...words]) => {
    const steps: ConfChangeStep[] = [];
    for (let i = 0; i < words.length; i += 2) {
      steps.push({ action: words[i] as ConfChangeStep['action'], node: nodeId(Number(words[i + 1])) });
    }
    const change = { steps, transition: transition as ConfChangeTransition, context: new Uint8Array() };
    const result = t.at(id).raft.proposeConfChange(transition === 'leave' ? LEAVE_JOINT : change);
    t.write(result.ok ? `at ${result.term}/${result.index}` : `refused: ${result.reason}`);
  },
  read: (t, [id, token]) => t.at(id).raft.readIndex(Number(token)),
  transfer: (t, [id, to]) => {
    const result = t.at(id).raft.transferLeadership(to === undefined ? undefined : nodeId(Number(to)));
    t.write(result.ok ? `to ${result.to}` : `refused: ${result.reason}`);
  },
  /** gone 2 1: replica 2 has evidence that 1 is gone */
  gone: (t, [id, node]) => t.at(id).raft.leaderUnreachable(nodeId(Number(node))),
  unreachable: (t, [id, node]) => t.at(id).raft.reportUnreachable(nodeId(Number(node))),
  announce: (t, [id]) => t.at(id).raft.announceCommit(),
  ready: (t, [id]) => t.ready(t.at(id)),
  sync: (t, [id, count = '1']) => t.sync(t.at(id), Number(count)),
  /** deliver 2 from 1 */
  deliver: (t, [to, , from]) => {
    t.deliver((m) => m.to === Number(to) && (from === undefined || m.from === Number(from)), false);
  },
  /** lose 2: everything on its way to it; lose 2 append: only requests to append */
  lose: (t, [to, kind]) => {
    t.deliver(
      (m) => m.to === Number(to) && (kind === undefined || m.kind === MessageKind.appendRequest),
      true,
    );
  },
  settle: (t, words) => t.settle(words.length === 0 ? t.all : words.map((word) => t.at(word))),
  /** quietly <command>: without writing it down */
  quietly: (t, words) => {
    t.run(words.join(' '));
    t.silence();
  },
  /** snapshot 1 2: the driver of 1 has transferred its state to 2; snapshot 1 2 unreported: and says so only to 2 */
  snapshot: (t, [from, to, report]) => {
    const replica = t.at(from);
    t.sent(replica.raft.snapshotMessage(nodeId(Number(to)), replica.snapshot()));
    if (report === undefined) replica.raft.reportSnapshot(nodeId(Number(to)), true);
  },
  /** report 1 2 ok: the transfer is over; report 1 2 failed */
  report: (t, [id, to, how]) => t.at(id).raft.reportSnapshot(nodeId(Number(to)), how === 'ok'),
  compact: (t, [id]) => {
    t.at(id).checkpoint();
    t.at(id).storage.compact(t.at(id).storage.applied);
  },
  /** crash 1 2: two writes under way are there by luck */
  crash: (t, [id, kept = '0']) => t.at(id).crash(Number(kept)),
  restart: (t, [id]) => t.at(id).restart(),
  status: (t, words) => {
    for (const replica of words.length === 0 ? t.all : words.map((word) => t.at(word))) {
      const s = replica.raft.status();
      t.write(
        `${s.id}: ${s.role} term=${s.term} leader=${s.leader} last=${s.lastTerm}/${s.last} stable=${s.stable} ` +
          `commit=${s.commit} applied=${s.applied} ${describeConf(s.conf)}`,
      );
      for (const peer of s.peers) {
        const inflight = peer.inflightMessages > 0 ? ` inflight=${peer.inflightMessages}` : '';
        t.write(
          `   ${peer.id}: ${peer.state} match=${peer.match} next=${peer.next}${inflight}${peer.learner ? ' learner' : ''}`,
        );
      }
    }
  },
};

/** Runs a whole script and returns it with what came out this time. */
export function runTranscript(script: string): string {
  const transcript = new Transcript();
  const result: string[] = [];
  let output: string[] = [];
  let skipping = false;
  for (const line of script.split('\n')) {
    if (skipping) {
      if (line !== '') continue;
      skipping = false;
    } else if (line === '----') {
      result.push(line, ...output);
      output = [];
      skipping = true;
      continue;
    } else if (line !== '' && !line.startsWith('#')) {
      output.push(...transcript.run(line));
    }
    result.push(line);
  }
  return result.join('\n');
}
