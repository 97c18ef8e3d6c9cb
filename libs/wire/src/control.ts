import { assert, type Kernels, type NodeId } from '@holdfast/io';
import { Encoding } from 'flatbuffers';
import { buildTable, createDetail, openTable, textOf } from './control-codec.ts';
import { type ErrorCode, ERRORS, errorCode, errorNumber, outcomeNumber, outcomeOf } from './errors.ts';
import { encodeFrame, type Frame, FrameType } from './frame.ts';
import { ErrorFrame as ErrorFrameTable } from './generated/error-frame.ts';
import { GoAway as GoAwayTable } from './generated/go-away.ts';
import { ERROR_FRAME, GO_AWAY } from './generated/layout.ts';
import { HoldfastError, ProtocolError } from './holdfast-error.ts';
import { DETAIL_BYTES_MAX, PING_BYTES_MAX } from './limits.ts';

/** No new request on this connection, please; those in flight are answered. */
export interface GoAway {
  /** `HF_UNAVAILABLE` when draining, `HF_OVERLOADED`, `HF_PROTOCOL` … */
  readonly reason: ErrorCode;
  /** Milliseconds until the sender closes. */
  readonly drainMs: number;
  readonly detail: string;
}

/** A ping is answered by a pong with the same request id and bytes, before anything that is queued for work. */
export function encodePing(
  kernels: Kernels,
  version: number,
  requestId: number,
  bytes: Uint8Array,
): Uint8Array {
  assert(bytes.length <= PING_BYTES_MAX, 'ping longer than PING_BYTES_MAX');
  return encodeFrame(kernels, { type: FrameType.ping, requestId, version }, bytes);
}

/** The answer to `ping`. @throws ProtocolError when it carries more than PING_BYTES_MAX. */
export function encodePong(kernels: Kernels, ping: Frame): Uint8Array {
  if (ping.payload.length > PING_BYTES_MAX)
    throw new ProtocolError('limit', `ping of ${ping.payload.length} bytes`);
  return encodeFrame(
    kernels,
    { type: FrameType.pong, requestId: ping.requestId, version: ping.version },
    ping.payload,
  );
}

/** The whole request failed: answers the frame with this request id, whatever its type. */
export function encodeError(
  kernels: Kernels,
  version: number,
  requestId: number,
  error: HoldfastError,
): Uint8Array {
  const payload = buildTable((builder) => {
    const detail = createDetail(builder, error.detail ?? ERRORS[error.code].title);
    ErrorFrameTable.startErrorFrame(builder);
    ErrorFrameTable.addStatus(builder, errorNumber(error.code));
    ErrorFrameTable.addOutcome(builder, outcomeNumber(error.outcome));
    ErrorFrameTable.addRetryAfterMs(builder, Math.ceil(error.retryAfterMs ?? 0));
    ErrorFrameTable.addLeaderHint(builder, error.leaderHint ?? 0);
    ErrorFrameTable.addDetail(builder, detail);
    return ErrorFrameTable.endErrorFrame(builder);
  });
  return encodeFrame(kernels, { type: FrameType.error, requestId, version }, payload);
}

/** @throws ProtocolError */
export function readError(payload: Uint8Array): HoldfastError {
  const table = ErrorFrameTable.getRootAsErrorFrame(openTable(payload, ERROR_FRAME));
  const leaderHint = table.leaderHint();
  return new HoldfastError(errorCode(table.status()), {
    outcome: outcomeOf(table.outcome()),
    detail: textOf(table.detail(Encoding.UTF8_BYTES), DETAIL_BYTES_MAX, 'detail'),
    retryAfterMs: table.retryAfterMs(),
    ...(leaderHint === 0 ? {} : { leaderHint: leaderHint as NodeId }),
  });
}

export function encodeGoAway(kernels: Kernels, version: number, goAway: GoAway): Uint8Array {
  const payload = buildTable((builder) => {
    const detail = createDetail(builder, goAway.detail);
    GoAwayTable.startGoAway(builder);
    GoAwayTable.addStatus(builder, errorNumber(goAway.reason));
    GoAwayTable.addDrainMs(builder, Math.ceil(goAway.drainMs));
    GoAwayTable.addDetail(builder, detail);
    return GoAwayTable.endGoAway(builder);
  });
  return encodeFrame(kernels, { type: FrameType.goAway, requestId: 0, version }, payload);
}

/** @throws ProtocolError */
export function readGoAway(payload: Uint8Array): GoAway {
  const table = GoAwayTable.getRootAsGoAway(openTable(payload, GO_AWAY));
  return {
    reason: errorCode(table.status()),
    drainMs: table.drainMs(),
    detail: textOf(table.detail(Encoding.UTF8_BYTES), DETAIL_BYTES_MAX, 'detail'),
  };
}
