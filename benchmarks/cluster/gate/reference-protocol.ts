import { KEY_BYTES, VALUE_BYTES } from '../workloads.ts';

/*
 * request   u32 id | u8 op | 3 zero bytes | key (16) | for a put: value (256)
 * answer    u32 id | u32 value bytes | value
 * to a follower    u32 round | u32 bytes | bytes to append; none for a round that only asks whether it is there
 * from a follower  u32 round
 *
 * All little-endian.
 */
export const RefOp = { put: 1, get: 2 } as const;
export const REQUEST_HEAD_BYTES = 8;
export const GET_BYTES = REQUEST_HEAD_BYTES + KEY_BYTES;
export const PUT_BYTES = GET_BYTES + VALUE_BYTES;
export const ANSWER_HEAD_BYTES = 8;
export const ROUND_HEAD_BYTES = 8;
export const ROUND_ACK_BYTES = 4;
