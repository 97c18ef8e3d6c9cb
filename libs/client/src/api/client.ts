/// <reference lib="esnext.disposable" preserve="true" />
import {
  type Address,
  assert,
  type Clock,
  EMPTY_BYTES,
  type Kernels,
  type KeyspaceId,
  type Network,
  pureKernels,
  type Random,
} from '@holdfast/io';
import {
  CLUSTER_ID_BYTES,
  DEADLINE_MS_DEFAULT,
  HoldfastError,
  type OperationRecord,
  OpKind,
} from '@holdfast/wire';
import { Engine } from '../engine/engine.ts';
import { HedgedReads } from '../engine/hedged-reads.ts';
import { SPOKEN_VERSIONS, type VersionRange } from '../link/hello.ts';
import type { ClientObserver } from '../observer.ts';
import type { Operation, OpResult, OpSink } from '../operation.ts';
import type { Transport } from '../transport.ts';
import type { WatchHandle, WatchQuery, WatchSink } from '../watch/watch-query.ts';
import type { AbortSignalLike } from './abort.ts';
import { Batch } from './batch.ts';
import { Cluster } from './cluster.ts';
import { type Codec, json } from './codec.ts';
import { ContentTypes } from './content-type.ts';
import { KeyRequests } from './key-requests.ts';
import { Keyspace } from './keyspace.ts';
import { Keyspaces } from './keyspaces.ts';
import type { CallOptions } from './options.ts';
import { execute } from './promise-sink.ts';
import { WriteNames } from './write-names.ts';

export interface ClientOptions {
  readonly network: Network;
  readonly clock: Clock;
  readonly random: Random;
  /** Nodes to ask first, `host:port`; any one that lives is enough. At least one. */
  readonly seeds: readonly Address[];
  /** 32 hexadecimal digits. Without it, the first cluster that answers is the one, and no other is accepted later. */
  readonly clusterId?: string;
  /** Bearer token, where nodes ask for one. */
  readonly token?: string;
  /** Deadline of an operation that names none, in milliseconds. Default: DEADLINE_MS_DEFAULT (5 s). */
  readonly deadlineMs?: number;
  /** Faster checksums, where the platform has them. */
  readonly kernels?: Kernels;
  readonly observer?: ClientObserver;
  /** Name and version of the application, for the nodes' logs. */
  readonly agent?: string;
  /** Whether slow weak reads are asked of a second replica as well. Default true. */
  readonly hedging?: boolean;
  /**
   * Gives every write an idempotency key of its own: then a lost answer is asked for again instead of reported as
   * `unknown`, and the write is applied once. Costs a record per write, kept for a day. Default false.
   */
  readonly exactlyOnce?: boolean;
  /**
   * This client works for callers of its own, who did not choose its token, certificate or cluster: when nodes refuse it
   * for one of these, operations fail with `HF_UNAVAILABLE` and the reason in `cause`, while {@link Client.ready} says it
   * as it is. Default false.
   */
  readonly forOthers?: boolean;
  /** Protocol versions to offer. Default: those of this release; tests of upgrades say otherwise. */
  readonly versions?: VersionRange;
}

/** A client over a transport that is made elsewhere. */
export interface TransportOptions {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
  readonly deadlineMs?: number;
  readonly exactlyOnce?: boolean;
}

const AGENT = 'holdfast-client/0.1';
const asIs = (result: OpResult): OpResult => result;

/**
 * A client of one cluster. Cheap to share, made once per process: it keeps one connection per node and batches what
 * its callers do in the same turn. Operations may be started before {@link ready}; they wait for the range map.
 *
 * Operations that are under way at the same time are concurrent: await the first where order matters.
 */
export class Client {
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #deadlineMs: number;
  readonly #contentTypes = new ContentTypes();
  /** Who belongs to the cluster, and how that changes. */
  readonly cluster: Cluster;
  /** The keyspaces of the cluster: make, list, change, delete. */
  readonly keyspaces: Keyspaces;
  readonly #names: WriteNames;

  constructor(options: ClientOptions | TransportOptions) {
    this.#clock = options.clock;
    this.#deadlineMs = options.deadlineMs ?? DEADLINE_MS_DEFAULT;
    this.#names = new WriteNames(options.exactlyOnce === true ? options.random : undefined);
    this.#transport = 'transport' in options ? options.transport : engineTransport(options, this.#deadlineMs);
    this.cluster = new Cluster(this.#transport, this.#clock);
    this.keyspaces = new Keyspaces(this.#transport);
  }

  /** Operations under way. */
  get pendingOps(): number {
    return this.#transport.pendingOps;
  }

  /**
   * Resolves once the range map is known.
   *
   * @throws HoldfastError `HF_UNAVAILABLE` when no seed answers within `deadlineMs`; at once when one refuses for good
   *   (`HF_UNAUTHENTICATED`, `HF_WRONG_CLUSTER`, `HF_VERSION_MISMATCH`).
   */
  ready(deadlineMs: number = this.#deadlineMs): Promise<void> {
    return new Promise((resolve, reject) => {
      const cancel = this.#clock.schedule(deadlineMs, () => {
        forget();
        const cause = this.#transport.lastTrouble;
        const detail = `no seed answered within ${deadlineMs} ms${cause === undefined ? '' : `; last: ${cause.message}`}`;
        reject(new HoldfastError('HF_UNAVAILABLE', { detail, cause }));
      });
      const forget = this.#transport.whenReady((failure) => {
        cancel();
        if (failure === undefined) resolve();
        else reject(failure);
      });
    });
  }

  /** A keyspace with JSON values. The type is a promise of the application: nothing is checked against it. */
  keyspace<T = unknown>(name: string): Keyspace<T>;
  /** A keyspace with values of the codec's type. */
  keyspace<T>(name: string, codec: Codec<T>): Keyspace<T>;
  keyspace<T>(name: string, codec: Codec<T> = json<T>()): Keyspace<T> {
    const requests = new KeyRequests(name, codec, this.#contentTypes, this.#names);
    return new Keyspace(this.#transport, requests);
  }

  /** Operations on any keyspaces that are to leave together. */
  batch(): Batch {
    return new Batch(this.#transport);
  }

  /**
   * What became of the write with this idempotency key; undefined when there is no record of it. No record means that
   * it has not happened so far: a write that is still under way may come. Records are kept for a day.
   */
  async operation(idempotencyKey: string, options: CallOptions = {}): Promise<OperationRecord | undefined> {
    const key = this.#names.of(idempotencyKey) ?? EMPTY_BYTES;
    const { deadlineMs, signal } = options;
    const lookup: Operation = { kind: OpKind.lookup, keyspace: 0 as KeyspaceId, key, deadlineMs };
    return execute(this.#transport, lookup, (result) => (result.found ? result.record() : undefined), signal);
  }

  /**
   * One operation at the level of bytes. Keys and values are not copied on the way in (leave them unchanged until it
   * settles), and are views of the received frame on the way out (copy what is kept).
   *
   * @throws HoldfastError with a code of the table and an honest outcome, at the latest shortly after the deadline.
   */
  execute(operation: Operation, signal?: AbortSignalLike): Promise<OpResult> {
    return execute(this.#transport, operation, asIs, signal);
  }

  /** Follows changes at the level of bytes; `sink` is never told before this returns. */
  watch(query: WatchQuery, sink: WatchSink): WatchHandle {
    return this.#transport.watch(query, sink);
  }

  /** {@link execute} without a promise: `sink` is told once, with `tag`, never before this returns. */
  submit(operation: Operation, sink: OpSink, tag = 0): void {
    this.#transport.submit(operation, sink, tag);
  }

  /**
   * Ends every connection. Operations under way fail with `HF_CANCELLED`; the outcome of writes that were sent is
   * `unknown`. Resolves at once.
   */
  close(): Promise<void> {
    this.#transport.close();
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function engineTransport(options: ClientOptions, deadlineMs: number): Transport {
  const { network, clock, random, seeds, clusterId } = options;
  assert(seeds.length > 0, 'at least one seed');
  const observer = options.observer ?? {};
  const engine = new Engine({
    network,
    clock,
    random,
    kernels: options.kernels ?? pureKernels,
    observer,
    seeds,
    clusterId: clusterId === undefined ? EMPTY_BYTES : clusterIdBytes(clusterId),
    token: options.token ?? '',
    agent: options.agent ?? AGENT,
    versions: options.versions ?? SPOKEN_VERSIONS,
    deadlineMs,
    forOthers: options.forOthers ?? false,
  });
  return options.hedging === false ? engine : new HedgedReads(engine, clock, observer, deadlineMs);
}

function clusterIdBytes(text: string): Uint8Array {
  assert(/^[0-9a-fA-F]{32}$/.test(text), 'a cluster id has 32 hexadecimal digits');
  const bytes = new Uint8Array(CLUSTER_ID_BYTES);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}
