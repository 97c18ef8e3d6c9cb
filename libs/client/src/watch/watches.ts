import type { Clock, Kernels, KeyspaceId, NodeId, RangeId, Random } from '@holdfast/io';
import { type Frame, FrameType, type HoldfastError, readWatchEnd, WatchEventsReader } from '@holdfast/wire';
import type { Leaders } from '../engine/leaders.ts';
import type { NodeLink } from '../link/node-link.ts';
import type { Operation, OpSink } from '../operation.ts';
import type { Router } from '../routing/router.ts';
import { MergedWatch } from './merged-watch.ts';
import type { WatchPart } from './watch-part.ts';
import type { ChangeRecord, WatchHandle, WatchQuery, WatchSink } from './watch-query.ts';

/** Where the beginning of an interval lies. */
export interface Place {
  readonly link: NodeLink;
  readonly range: RangeId;
  readonly keyspace: KeyspaceId;
  /** The end of the interval when it lies inside the range. */
  readonly end: Uint8Array;
  /** Where the interval goes on in the next range; undefined = it does not. */
  readonly next: Uint8Array | undefined;
}

/** What watches need of the engine. */
export interface WatchesHost {
  readonly clock: Clock;
  readonly random: Random;
  readonly kernels: Kernels;
  submit(operation: Operation, sink: OpSink, tag: number): unknown;
  linkOf(node: NodeId): NodeLink | undefined;
}

/** What a part of a watch needs. */
export interface WatchWorld extends Pick<WatchesHost, 'clock' | 'random' | 'kernels'> {
  /** Undefined when the map does not know. */
  place(keyspace: string | KeyspaceId, start: Uint8Array, end: Uint8Array): Place | undefined;
  submit(operation: Operation, sink: OpSink): void;
  /** The node at the other end does not lead the range; `hint` is who may. */
  refused(range: RangeId, link: NodeLink, hint: NodeId | 0): void;
  listen(link: NodeLink, id: number, part: WatchPart): void;
  forget(link: NodeLink, id: number): void;
  closed(watch: MergedWatch): void;
}

/** The watches of a client: frames to parts, by connection and request id. */
export class Watches implements WatchWorld {
  readonly clock: Clock;
  readonly random: Random;
  readonly kernels: Kernels;
  readonly #host: WatchesHost;
  readonly #router: Router;
  readonly #leaders: Leaders;
  readonly #open = new Set<MergedWatch>();
  readonly #parts = new Map<NodeLink, Map<number, WatchPart>>();

  constructor(host: WatchesHost, router: Router, leaders: Leaders) {
    this.clock = host.clock;
    this.random = host.random;
    this.kernels = host.kernels;
    this.#host = host;
    this.#router = router;
    this.#leaders = leaders;
  }

  open(query: WatchQuery, sink: WatchSink): WatchHandle {
    const watch = new MergedWatch(this, query, sink);
    this.#open.add(watch);
    return watch;
  }

  /** A frame that speaks of watches. @throws ProtocolError */
  received(link: NodeLink, { type, requestId, payload }: Frame): void {
    const parts = this.#parts.get(link);
    if (type === FrameType.watchEnd) {
      const end = readWatchEnd(payload);
      const part = parts?.get(requestId);
      parts?.delete(requestId);
      part?.ended(end);
      return;
    }
    const reader = new WatchEventsReader(payload);
    // Ids that are not known were cancelled here while the frame was under way.
    const records = recordsOf(reader);
    for (const id of reader.watches) parts?.get(id)?.events(records, reader.progress);
  }

  linkDown(link: NodeLink): void {
    const parts = this.#parts.get(link);
    this.#parts.delete(link);
    for (const part of parts?.values() ?? []) part.lost();
  }

  close(reason: HoldfastError): void {
    for (const watch of this.#open) watch.end(reason);
  }

  // WatchWorld

  submit(operation: Operation, sink: OpSink): void {
    this.#host.submit(operation, sink, 0);
  }

  place(keyspace: string | KeyspaceId, start: Uint8Array, end: Uint8Array): Place | undefined {
    const found = this.#router.place(keyspace, start, end);
    const link = found === undefined ? undefined : this.#host.linkOf(found.leader);
    return found === undefined || link === undefined ? undefined : { ...found, link };
  }

  refused(range: RangeId, { nodeId }: NodeLink, hint: NodeId | 0): void {
    const route = this.#router.routes.find(({ rangeId }) => rangeId === range);
    // A follower answers strong reads too, so the read that looked for the leader may have found none.
    if (route !== undefined && nodeId !== 0) this.#leaders.refused(route, nodeId, hint);
  }

  listen(link: NodeLink, id: number, part: WatchPart): void {
    const parts = this.#parts.get(link) ?? new Map<number, WatchPart>();
    this.#parts.set(link, parts.set(id, part));
  }

  forget(link: NodeLink, id: number): void {
    this.#parts.get(link)?.delete(id);
  }

  closed(watch: MergedWatch): void {
    this.#open.delete(watch);
  }
}

/** The changes of a frame, taken out once for all watches that it is for. */
function recordsOf(reader: WatchEventsReader): readonly ChangeRecord[] {
  const records: ChangeRecord[] = [];
  while (reader.next()) {
    const { kind, revision } = reader;
    const key = reader.key.slice();
    const contentType = reader.contentType.slice();
    records.push({ kind, revision, key, contentType, value: reader.value.slice() });
  }
  return records;
}
