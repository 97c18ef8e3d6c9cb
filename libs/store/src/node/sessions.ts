import type { Clock, Connection, NodeId } from '@holdfast/io';
import { HANDSHAKE_MS_MAX, Session, type SessionHost } from './session.ts';

/** Connections accepted at once; more are closed unheard. */
export const SESSIONS_MAX = 10_000;
/** Of those, how many may not have said hello yet. */
export const STRANGERS_MAX = 1_000;
/** A node pings its peers every second. One that was not heard for this long is gone, in milliseconds. */
const PEER_SILENCE_MS_MAX = 8_000;

export interface SessionsHost extends Omit<SessionHost, 'closed'> {
  readonly clock: Clock;
  /** The last connection from this peer is gone: evidence that its process is (D9). */
  linkLost(peer: NodeId): void;
  /** A connection ended; with a reason when it did not end by itself. */
  disconnected(session: Session, reason: Error | undefined): void;
}

/** The accepted connections of a node: how many there may be, and which have been silent for too long. */
export class Sessions {
  readonly #host: SessionsHost;
  /** When each was accepted, monotonic milliseconds. */
  readonly #sessions = new Map<Session, number>();

  constructor(host: SessionsHost) {
    this.#host = host;
  }

  accept(connection: Connection): void {
    const host = this.#host;
    const session = new Session(
      {
        kernels: host.kernels,
        clock: host.clock,
        buggify: host.buggify,
        self: host.self,
        helloRefusal: (hello) => host.helloRefusal(hello),
        clientFrame: (from, frame) => host.clientFrame(from, frame),
        peerFrame: (from, over, frame) => host.peerFrame(from, over, frame),
        fail: (error) => host.fail(error),
        closed: (ended, reason) => this.#closed(ended, reason),
      },
      connection,
    );
    const full = this.#sessions.size >= SESSIONS_MAX || this.#strangers() >= STRANGERS_MAX;
    this.#sessions.set(session, host.clock.monotonicMs());
    connection.start(session);
    if (full) session.destroy(new Error('too many connections'));
  }

  tick(): void {
    const now = this.#host.clock.monotonicMs();
    for (const [session, openedMs] of this.#sessions) {
      if (session.version === 0) {
        if (now - openedMs > HANDSHAKE_MS_MAX) session.destroy(new Error('no handshake in time'));
      } else if (session.peer !== 0 && now - session.heardMs > PEER_SILENCE_MS_MAX) {
        session.destroy(new Error(`no sign of life for ${Math.round(now - session.heardMs)} ms`));
      }
    }
  }

  /** Asks the clients to go elsewhere. */
  goAway(drainMs: number): void {
    for (const session of this.#sessions.keys()) if (session.peer === 0) session.goAway(drainMs);
  }

  /** Ends the sessions of nodes that are not spoken with any more. */
  dropPeers(admits: (node: NodeId) => boolean): void {
    for (const session of this.#sessions.keys()) {
      if (session.peer !== 0 && !admits(session.peer)) {
        session.destroy(new Error(`node ${session.peer} has left the cluster`));
      }
    }
  }

  /** Ends the sessions of clients. */
  dropClients(reason: Error): void {
    for (const session of this.#sessions.keys()) if (session.peer === 0) session.destroy(reason);
  }

  close(): void {
    for (const session of this.#sessions.keys()) session.close();
  }

  destroy(reason: Error): void {
    for (const session of this.#sessions.keys()) session.destroy(reason);
  }

  #closed(session: Session, reason: Error | undefined): void {
    this.#sessions.delete(session);
    this.#host.disconnected(session, reason);
    const { peer } = session;
    if (peer !== 0 && ![...this.#sessions.keys()].some((other) => other.peer === peer))
      this.#host.linkLost(peer);
  }

  #strangers(): number {
    // Strangers are the youngest: a full count is needed only when there are many sessions.
    if (this.#sessions.size < STRANGERS_MAX) return 0;
    let strangers = 0;
    for (const session of this.#sessions.keys()) if (session.version === 0) strangers++;
    return strangers;
  }
}
