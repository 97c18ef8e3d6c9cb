/**
 * Limits and pace of the client: every queue has a bound and every wait an end. Times in milliseconds.
 * Limits of the protocol (keys, values, frames) are those of `@holdfast/wire`.
 */

/** Operations accepted and not yet settled. The next one is refused with `HF_OVERLOADED`, outcome `not_applied`. */
export const PENDING_OPS_MAX = 262_144;
/** Bytes of keys and values of these operations. */
export const PENDING_BYTES_MAX = 64 * 1024 * 1024;
/** A frame is closed when its operations are at least this large, so that a small one does not wait behind a flood. */
export const BATCH_BYTES_TARGET = 512 * 1024;
/** Operations sent to one node and not yet answered; more wait in its queue, where they can still be re-routed. */
export const IN_FLIGHT_OPS_MAX = 32_768;
/** Operations of another read level that one pass over a queue steps over. */
export const BATCH_SKIPS_MAX = 256;
/** Objects kept for reuse. */
export const POOLED_OPS_MAX = 8192;

/** From the first byte out to the end of the handshake. */
export const CONNECT_TIMEOUT_MS = 1000;
/** How often a connection asks itself whether its peer is there. */
export const LIVENESS_CHECK_MS = 250;
/** Silence after which a peer that owes an answer is pinged. */
export const SILENCE_IN_FLIGHT_MS = 250;
/** Silence after which an idle peer is pinged. */
export const SILENCE_IDLE_MS = 2000;
/** A ping without any sign of life for this long: the connection is dead. */
export const PING_TIMEOUT_MS = 750;

/** Failures in a row that open a node's circuit; a lost connection opens it at once. */
export const BREAKER_FAILURES_MAX = 5;
/** First and longest time that a circuit stays open (full jitter between them). */
export const BREAKER_OPEN_MS = { base: 20, cap: 1000 } as const;
/** An operation that ends at its deadline speaks against the node only when the node had this long to answer. */
export const SLOW_ANSWER_MS = 1000;
/** A probe that never reports is forgotten after this. */
export const BREAKER_PROBE_MS = 1000;

/** Wait before the first question for a leader that was lost: an election takes about as long. */
export const SEARCH_FIRST_MS = { min: 10, max: 20 } as const;
/** Wait between rounds of questions; the half of it is jitter. */
export const SEARCH_ROUND_MS = { base: 16, cap: 100 } as const;
/** A node that was asked and says nothing for this long: ask the next one as well. */
export const SEARCH_PATIENCE_MS = 100;

/** Back-off between tries of one operation (full jitter). */
export const RETRY_MS = { base: 10, cap: 500 } as const;
/** Tries of one operation, of those that count (redirects do not). */
export const ATTEMPTS_MAX = 10;
/** Connections that one operation may see die under it: a request that kills nodes must not meet them all. */
export const CONNECTIONS_LOST_MAX = 4;
/** Retries that may be spent at once, and how much of one each success earns. */
export const RETRY_BUDGET = { capacity: 256, earnedPerSuccess: 0.1 } as const;

/**
 * When a second replica is asked for a weak read: at the 95th percentile of those before, between `min` and `max`
 * milliseconds; `initial` until that is known.
 */
export const HEDGE_DELAY_MS = { initial: 20, min: 1, max: 200 } as const;
/** Second questions that may be spent at once, and how much of one each weak read earns: a twentieth more load. */
export const HEDGE_BUDGET = { capacity: 16, earnedPerSuccess: 0.05 } as const;

/** A map older than this is asked for again, by the way. */
export const MAP_AGE_MAX_MS = 5_000;
/** A node that was asked for the map and says nothing for this long: ask another one. */
export const MAP_PATIENCE_MS = 300;
/** Wait between failed questions for the map (full jitter). */
export const MAP_RETRY_MS = { base: 10, cap: 500 } as const;
/** Connections opened in advance, when the map names the nodes. */
export const WARM_NODES_MAX = 16;

/** Operations that one `getMany` or `setMany` keeps under way. */
export const MANY_WINDOW_OPS = 8192;
/** Operations of one explicit batch. */
export const BATCH_ENTRIES_MAX = 65_536;
/** Changes of one range that may be on their way to a watch or wait for the application, in bytes. */
export const WATCH_WINDOW_BYTES = 1024 * 1024;
/** How often a watch asks for progress: one over several ranges moves as fast as this. */
export const WATCH_PROGRESS_MS = { alone: 1000, merged: 50 } as const;
/** Time to find out who leads a range that is to be watched. */
export const WATCH_FIND_MS = 2000;
/** Watches of one client over a gateway: each has a connection. The next one ends with `HF_OVERLOADED`. */
export const STREAMS_MAX = 1024;
/** Time that a gateway may take to find those who lead the ranges of a watch. */
export const STREAM_STAND_MS = 3000;
/** A gateway says something every three seconds at least: one that is silent for this long is gone. */
export const STREAM_SILENCE_MS = 7000;

/** Rows that `scan` asks for at a time. */
export const SCAN_PAGE_ROWS = 1000;
