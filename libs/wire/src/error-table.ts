/**
 * The one table of everything that can go wrong and is told to somebody. `docs/errors.md` is its printed form;
 * a test holds the two together. Numbers travel on the wire: they are never changed and never reused.
 */

/** What a failed request did. `unknown` is honest, not lazy: the caller must find out (idempotency key, read). */
export type Outcome = 'applied' | 'not_applied' | 'unknown';

export interface ErrorInfo {
  /** On the wire, u16. 0 is success and stands for no error. */
  readonly number: number;
  /** Status of the HTTP answer. */
  readonly status: number;
  /** `title` of the problem document (RFC 9457): the same for every occurrence. */
  readonly title: string;
  /** The same request may succeed when it is sent again; whether that is safe is a matter of the outcome. */
  readonly retryable: boolean;
  /** What is true unless the error at hand says otherwise. */
  readonly outcome: Outcome;
  readonly description: string;
}

const define = (
  number: number,
  status: number,
  retryable: boolean,
  outcome: Outcome,
  title: string,
  description: string,
): ErrorInfo => ({ number, status, title, retryable, outcome, description });

export const ERRORS = {
  // 1xx: the request is wrong and stays wrong.
  HF_BAD_REQUEST: define(
    101,
    400,
    false,
    'not_applied',
    'Bad request',
    'The request is not understood; `detail` names the field.',
  ),
  HF_KEY_INVALID: define(
    102,
    400,
    false,
    'not_applied',
    'Key is not valid',
    'The key is empty, is not valid UTF-8, or holds a lone surrogate.',
  ),
  HF_KEY_TOO_LARGE: define(
    103,
    413,
    false,
    'not_applied',
    'Key too large',
    'A key has at most 4,096 bytes of UTF-8.',
  ),
  HF_VALUE_TOO_LARGE: define(104, 413, false, 'not_applied', 'Value too large', 'A value has at most 1 MiB.'),
  HF_BATCH_TOO_LARGE: define(
    105,
    413,
    false,
    'not_applied',
    'Batch too large',
    'A batch has at most 4,096 operations and fits into one frame of 16 MiB.',
  ),
  HF_KEYSPACE_INVALID: define(
    106,
    400,
    false,
    'not_applied',
    'Keyspace is not valid',
    'The name or the settings of the keyspace break a rule; `detail` says which.',
  ),
  HF_IDEMPOTENCY_KEY_INVALID: define(
    107,
    400,
    false,
    'not_applied',
    'Idempotency key is not valid',
    'An idempotency key has 1 to 255 bytes.',
  ),
  HF_SPANS_RANGES: define(
    108,
    400,
    false,
    'not_applied',
    'Operation spans ranges',
    'The operation touches keys of several ranges and is offered inside one range only.',
  ),
  HF_UNSUPPORTED: define(
    109,
    501,
    false,
    'not_applied',
    'Not supported',
    'The node, the keyspace or the protocol version agreed on does not offer this operation.',
  ),
  HF_NOT_FOUND: define(
    110,
    404,
    false,
    'not_applied',
    'No such resource',
    'The path names nothing that exists here.',
  ),
  HF_METHOD_NOT_ALLOWED: define(
    111,
    405,
    false,
    'not_applied',
    'Method not allowed',
    'The resource does not take this method.',
  ),
  HF_HEADERS_TOO_LARGE: define(
    112,
    431,
    false,
    'not_applied',
    'Header fields too large',
    'The header fields of the request are larger than the gateway reads.',
  ),
  HF_UNSUPPORTED_MEDIA_TYPE: define(
    113,
    415,
    false,
    'not_applied',
    'Unsupported media type',
    'The body is in a format that this resource does not take.',
  ),
  HF_VALUE_NOT_INTEGER: define(
    114,
    422,
    false,
    'not_applied',
    'Value is not an integer',
    'An increment met a value that is not an integer, or the result leaves the range of safe integers.',
  ),

  // 2xx: the data says no.
  HF_KEY_NOT_FOUND: define(
    201,
    404,
    false,
    'not_applied',
    'Key not found',
    'The key has no value, at the revision asked for.',
  ),
  HF_KEYSPACE_NOT_FOUND: define(
    202,
    404,
    false,
    'not_applied',
    'Keyspace not found',
    'There is no keyspace of this name that the caller may see.',
  ),
  HF_KEYSPACE_EXISTS: define(
    203,
    409,
    false,
    'not_applied',
    'Keyspace exists',
    'A keyspace of this name exists with other settings.',
  ),
  HF_PRECONDITION_FAILED: define(
    204,
    412,
    false,
    'not_applied',
    'Precondition failed',
    'The condition did not hold; `revision` is the current one, 0 when the key is absent.',
  ),
  HF_COMPACTED: define(
    205,
    410,
    false,
    'not_applied',
    'Revision no longer kept',
    'The revision asked for is older than the retention window.',
  ),
  HF_IDEMPOTENCY_MISMATCH: define(
    206,
    422,
    false,
    'not_applied',
    'Idempotency key was used for another request',
    'The same idempotency key came with another operation before.',
  ),
  HF_IN_FLIGHT: define(
    207,
    409,
    true,
    'unknown',
    'The same request is in flight',
    'A request with this idempotency key has not ended; ask again for its answer.',
  ),
  HF_CONFLICT: define(
    208,
    409,
    true,
    'not_applied',
    'Conflict with another transaction',
    'A lock or a concurrent change stood in the way.',
  ),
  HF_WATCH_OVERRUN: define(
    209,
    429,
    true,
    'not_applied',
    'Watcher too slow',
    'Changes waited too long for this watcher to take them. It can go on from its last progress mark.',
  ),

  // 3xx: ask elsewhere; clients do it by themselves.
  HF_NOT_LEADER: define(
    301,
    503,
    true,
    'not_applied',
    'Not the leader',
    'The node does not lead the range; the leader hint says who may.',
  ),
  HF_WRONG_RANGE: define(
    302,
    503,
    true,
    'not_applied',
    'Wrong range',
    'The node does not hold the range, or the key is outside it: the range map of the sender is old.',
  ),
  HF_REPLICA_BEHIND: define(
    303,
    503,
    true,
    'not_applied',
    'Replica is behind',
    'The replica has not reached the revision floor or the staleness bound asked for.',
  ),

  // 4xx: not now.
  HF_NO_QUORUM: define(
    401,
    503,
    true,
    'not_applied',
    'No quorum',
    'A majority of the range cannot be reached. The outcome is `unknown` when the write had been proposed.',
  ),
  HF_TIMEOUT: define(
    402,
    503,
    true,
    'unknown',
    'No answer in time',
    'The deadline passed after the request was sent: it may have been applied, or may still be.',
  ),
  HF_DEADLINE_EXCEEDED: define(
    403,
    503,
    true,
    'not_applied',
    'Deadline had passed',
    'The deadline passed before anything was done.',
  ),
  HF_OVERLOADED: define(
    404,
    429,
    true,
    'not_applied',
    'Overloaded',
    'The request was turned away before any work; come back after `Retry-After`.',
  ),
  HF_UNAVAILABLE: define(
    405,
    503,
    true,
    'not_applied',
    'Unavailable',
    'The node is starting, draining, or cannot be reached.',
  ),
  HF_DISK_FULL: define(
    406,
    507,
    true,
    'not_applied',
    'Disk full',
    'The node has no room for the write; reads go on.',
  ),
  HF_CONNECTION_LOST: define(
    407,
    503,
    true,
    'unknown',
    'Connection lost',
    'The connection ended while the request was in flight.',
  ),
  HF_CANCELLED: define(
    408,
    499,
    false,
    'unknown',
    'Cancelled',
    'The caller gave up while the request was in flight.',
  ),
  HF_QUOTA_EXCEEDED: define(
    409,
    429,
    true,
    'not_applied',
    'Quota exceeded',
    'The tenant has used up what it was granted.',
  ),

  // 5xx: who are you?
  HF_UNAUTHENTICATED: define(
    501,
    401,
    false,
    'not_applied',
    'Not authenticated',
    'No valid token; which check failed is not told.',
  ),
  HF_FORBIDDEN: define(
    502,
    403,
    false,
    'not_applied',
    'Forbidden',
    'The token does not grant this operation.',
  ),

  // 6xx: the two sides do not fit together.
  HF_PROTOCOL: define(
    601,
    502,
    false,
    'unknown',
    'Protocol violation',
    'A peer sent bytes that break the protocol; the connection was closed.',
  ),
  HF_VERSION_MISMATCH: define(
    602,
    502,
    false,
    'not_applied',
    'No common protocol version',
    'The version ranges of the two sides do not meet.',
  ),
  HF_WRONG_CLUSTER: define(
    603,
    502,
    false,
    'not_applied',
    'Wrong cluster',
    'The peer belongs to another cluster.',
  ),
  HF_WRONG_NODE: define(
    604,
    502,
    false,
    'not_applied',
    'Wrong node',
    'Another node than the expected one answers at this address, or the node id is not a member.',
  ),
  HF_NODE_REMOVED: define(
    605,
    502,
    false,
    'not_applied',
    'Node was removed',
    'The node was taken out of the cluster; its id is never used again.',
  ),
  HF_NODE_DISK_LOST: define(
    606,
    502,
    false,
    'not_applied',
    'Node has lost its disk',
    'The cluster knows the node with another data directory: an id whose disk was lost comes back as a new id only.',
  ),

  // 9xx: our fault.
  HF_INTERNAL: define(
    901,
    500,
    false,
    'unknown',
    'Internal error',
    'A fault in the server; its log has the details.',
  ),
  HF_CORRUPTION: define(
    902,
    500,
    true,
    'not_applied',
    'Stored data is damaged',
    'A checksum does not match. The wrong bytes are never served; the block is repaired from a peer.',
  ),
} as const satisfies Readonly<Record<string, ErrorInfo>>;
