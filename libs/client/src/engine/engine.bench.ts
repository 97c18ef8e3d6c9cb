/**
 * What the client itself costs: operations per second of one core, against a peer in the same process that answers
 * with ready-made frames over a connection without a network. Prints one line per case.
 *
 * `node --conditions=source libs/client/src/engine/engine.bench.ts [seconds per case]`
 */
import {
  type Clock,
  type Connection,
  type ConnectionHandler,
  type NodeId,
  Prng,
  pureKernels,
  rangeId,
  utf8,
} from '@holdfast/io';
import {
  answerHello,
  DataRequestReader,
  DataResponseBuilder,
  encodeHelloAck,
  encodeRangeMap,
  FRAME_BYTES_MAX,
  FrameDecoder,
  FrameType,
  isWrite,
  OpKind,
  PROTOCOL_VERSION_MAX,
  PROTOCOL_VERSION_MIN,
  readHello,
} from '@holdfast/wire';
import { Client, type OpResult, type OpSink, type Operation } from '../index.ts';

const seconds = Number(process.argv[2] ?? 2);
const VALUE = new Uint8Array(256).fill(7);
const NO_BYTES = new Uint8Array(0);

const clock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  schedule(delayMs, task) {
    const timer = setTimeout(task, delayMs);
    return () => clearTimeout(timer);
  },
  defer: (task) => void setImmediate(task),
};

/** How long the peer itself worked, in milliseconds: not the client's. */
let peerMs = 0;

class BenchPeer implements Connection {
  readonly remoteAddress = 'peer:1';
  readonly bytesQueued = 0;
  readonly #decoder = new FrameDecoder(pureKernels);
  readonly #out = new DataResponseBuilder();
  #handler: ConnectionHandler | undefined;
  #waiting: Uint8Array[] = [];

  start(handler: ConnectionHandler): void {
    this.#handler = handler;
    setImmediate(() => handler.onOpen());
  }

  write(bytes: Uint8Array): boolean {
    this.#waiting.push(bytes);
    if (this.#waiting.length === 1) setImmediate(() => this.#serve());
    return true;
  }

  pause(): void {}
  resume(): void {}
  close(): void {}
  destroy(): void {}

  #serve(): void {
    const startedMs = performance.now();
    const answers: Uint8Array[] = [];
    for (const chunk of this.#waiting.splice(0)) {
      this.#decoder.push(chunk, ({ type, requestId, version, payload }) => {
        if (type === FrameType.hello)
          answers.push(encodeHelloAck(pureKernels, requestId, answerHello(readHello(payload), SELF)));
        else if (type === FrameType.rangeMapRequest)
          answers.push(encodeRangeMap(pureKernels, version, requestId, MAP));
        else if (type === FrameType.dataRequest) {
          const reader = DataRequestReader.read(payload);
          for (let i = 0; i < reader.count; i++) {
            if (isWrite(reader.kind(i))) this.#out.written(i, 1000 + i);
            else this.#out.value(i, 1000, VALUE);
          }
          answers.push(this.#out.toFrame(pureKernels, requestId, version, 0));
        }
      });
    }
    peerMs += performance.now() - startedMs;
    for (const answer of answers) this.#handler?.onData(answer);
  }
}

const SELF = {
  clusterId: new Uint8Array(16).fill(1),
  nodeId: 1 as NodeId,
  versionMin: PROTOCOL_VERSION_MIN,
  versionMax: PROTOCOL_VERSION_MAX,
  features: 0,
  frameBytesMax: FRAME_BYTES_MAX,
  agent: 'bench',
};
const MAP = {
  generation: 1,
  nodes: [{ nodeId: 1 as NodeId, address: 'peer:1' }],
  ranges: [
    {
      rangeId: rangeId(2),
      start: NO_BYTES,
      end: NO_BYTES,
      replicas: [1 as NodeId],
      leaderHint: 1 as NodeId,
      generation: 1,
    },
  ],
  keyspaces: [
    {
      keyspaceId: 7 as never,
      name: 'users',
      replication: 'raft' as const,
      factor: 0,
      defaultTtlMs: 0,
      keyBytesMax: 0,
      valueBytesMax: 0,
    },
  ],
};

const client = new Client({
  network: { listen: () => Promise.reject(new Error('no')), connect: () => new BenchPeer() },
  clock,
  random: new Prng(1),
  seeds: ['peer:1'],
});
await client.ready();
const users = client.keyspace<Uint8Array>('users', {
  contentType: '',
  encode: (value) => value,
  decode: (value) => value,
});

const keys = Array.from({ length: 4096 }, (_, i) => utf8(`key-${String(i).padStart(12, '0')}`));
const puts: Operation[] = keys.map((key) => ({ kind: OpKind.put, keyspace: 'users', key, value: VALUE }));
const gets: Operation[] = keys.map((key) => ({ kind: OpKind.get, keyspace: 'users', key }));

/** `workers` callers, each with one operation under way at a time, until the time is over; operations done. */
type Case = (workers: number, over: () => boolean) => Promise<number>;

/** Awaits `call` again and again. */
const awaited =
  (call: (i: number) => Promise<unknown>): Case =>
  async (workers, over) => {
    let done = 0;
    const worker = async (id: number): Promise<void> => {
      for (let i = id; !over(); i += workers) {
        await call(i & 4095);
        done++;
      }
    };
    await Promise.all(Array.from({ length: workers }, (_, id) => worker(id)));
    return done;
  };

/** The same with a sink. */
const sunk =
  (operations: readonly Operation[]): Case =>
  (workers, over) =>
    new Promise((resolve) => {
      let done = 0;
      let left = workers;
      const sink: OpSink = {
        done(result: OpResult, tag: number) {
          if (result.revision > 0) done++;
          if (!over()) client.submit(operations[(tag + done) & 4095], sink, tag);
          else if (--left === 0) resolve(done);
        },
        failed(error) {
          throw error;
        },
      };
      for (let i = 0; i < workers; i++) client.submit(operations[i & 4095], sink, i);
    });

const cases: readonly (readonly [string, Case])[] = [
  ['submit put', sunk(puts)],
  ['submit get', sunk(gets)],
  ['execute put', awaited((i) => client.execute(puts[i]))],
  ['execute get', awaited((i) => client.execute(gets[i]))],
  ['keyspace.set', awaited((i) => users.set(keys[i], VALUE))],
  ['keyspace.get', awaited((i) => users.get(keys[i]))],
];

for (const workers of [1, 64, 256]) {
  for (const [name, run] of cases) {
    await run(workers, untilMs(200));
    peerMs = 0;
    const startedMs = performance.now();
    const done = await run(workers, untilMs(seconds * 1000));
    const tookMs = performance.now() - startedMs;
    const clientUs = ((tookMs - peerMs) * 1000) / done;
    console.log(
      `${name.padEnd(14)} ${String(workers).padStart(4)} callers  ${(done / tookMs).toFixed(0).padStart(5)} k ops/s with the peer` +
        `  ${clientUs.toFixed(2).padStart(6)} us per op in the client = ${(1000 / clientUs).toFixed(0).padStart(5)} k ops/s`,
    );
  }
}
await client.close();

function untilMs(ms: number): () => boolean {
  const endMs = performance.now() + ms;
  return () => performance.now() >= endMs;
}
