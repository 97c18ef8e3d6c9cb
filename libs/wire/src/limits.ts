/**
 * Limits of the protocol: every input has one, with a unit, and a test that hits it.
 * Lowering one breaks peers that are inside the old one; raising one is a new protocol version.
 */

/** A whole frame, header included, in bytes. Checked before anything is allocated for it. */
export const FRAME_BYTES_MAX = 16 * 1024 * 1024;
/** A frame before the handshake is done, in bytes: a stranger makes us hold no more than this. */
export const HANDSHAKE_FRAME_BYTES_MAX = 16 * 1024;
/** Operations in one batch. Positions travel as u16. */
export const BATCH_OPS_MAX = 4096;
/** A key, in bytes of UTF-8. */
export const KEY_BYTES_MAX = 4096;
/** A value, in bytes. */
export const VALUE_BYTES_MAX = 1024 * 1024;
/** Steps of one transaction, checks included. */
export const TRANSACTION_STEPS_MAX = 256;
/** The steps of one transaction, and the answer to them, in bytes. */
export const TRANSACTION_BYTES_MAX = 4 * 1024 * 1024;
/** Keys that one deletion of a range takes; the rest is asked for again. */
export const DELETE_RANGE_KEYS_MAX = 1000;
/** Keys that one counting scan looks at; the rest is asked for again. */
export const COUNT_ROWS_MAX = 100_000;
/** A content type, in bytes. */
export const CONTENT_TYPE_BYTES_MAX = 255;
/** An idempotency key, in bytes. */
export const IDEMPOTENCY_KEY_BYTES_MAX = 255;
/** The sentence that explains an error, in bytes of UTF-8; longer ones are cut. */
export const DETAIL_BYTES_MAX = 512;
/** A keyspace's name, in bytes of UTF-8. */
export const KEYSPACE_NAME_BYTES_MAX = 128;
/** A deadline, in milliseconds. */
export const DEADLINE_MS_MAX = 60 * 60 * 1000;
/** What a request that names no deadline gets, in milliseconds. */
export const DEADLINE_MS_DEFAULT = 5000;
/** Rows in one answer to a scan. */
export const SCAN_ROWS_MAX = 10_000;
/** Bytes of rows in one answer to a scan; a first row is always given, however large. */
export const SCAN_BYTES_MAX = 4 * 1024 * 1024;
/** Watches that one frame of changes can be for. */
export const WATCHES_PER_FRAME_MAX = 1024;
/** Raft messages in one frame. */
export const RAFT_MESSAGES_MAX = 65_536;
/** Replicas of one range, voters and learners together. */
export const REPLICAS_MAX = 32;
/** Data of one snapshot chunk, in bytes. */
export const SNAPSHOT_CHUNK_BYTES_MAX = 1024 * 1024;
/** `host:port`, in bytes. */
export const ADDRESS_BYTES_MAX = 300;
/** A bearer token, in bytes. */
export const TOKEN_BYTES_MAX = 8192;
/** Name and version of a peer's software, in bytes. */
export const AGENT_BYTES_MAX = 128;
/** What a ping may carry, in bytes; the pong brings it back. */
export const PING_BYTES_MAX = 64;
/** A cluster id, in bytes, always exactly this. */
export const CLUSTER_ID_BYTES = 16;
