/** What small frames are cut from. */
const PIECE_BYTES = 16 * 1024;
/** A larger frame has memory of its own, so that little of a piece is lost at its end. */
const SHARED_BYTES_MAX = 2 * 1024;
const ALIGNMENT = 8;

/** Bytes from `start` on are the caller's, zero, and nobody else's. */
export interface FrameMemory {
  readonly bytes: Uint8Array;
  /** Covers all of `bytes`. */
  readonly view: DataView;
  readonly start: number;
}

interface Piece {
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

let piece = makePiece(PIECE_BYTES);
let used = 0;

/**
 * Zero memory for a frame of `length` bytes. Most frames have a hundred bytes or two and live for less than a
 * millisecond: a buffer for each, and a view of it, would cost more than to fill and to check them. No part of a piece
 * is given out twice; it goes with the last of its frames.
 */
export function frameMemory(length: number): FrameMemory {
  if (length > SHARED_BYTES_MAX) return { ...makePiece(length), start: 0 };
  if (used + length > PIECE_BYTES) {
    piece = makePiece(PIECE_BYTES);
    used = 0;
  }
  const start = used;
  used += Math.ceil(length / ALIGNMENT) * ALIGNMENT;
  return { bytes: piece.bytes, view: piece.view, start };
}

function makePiece(length: number): Piece {
  const bytes = new Uint8Array(length);
  return { bytes, view: new DataView(bytes.buffer) };
}
