/**
 * Branded identifiers: numbers and strings that the compiler does not let be mixed up.
 * Every number among them is an integer below 2^53, so it survives JSON and `Number`.
 */
declare const brand: unique symbol;
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };

/** A member of the cluster; unique for ever, never reused after a disk was lost. 1 .. 2^32-1. */
export type NodeId = Brand<number, 'NodeId'>;
/** A range, and the Raft group that replicates it. 1 .. 2^32-1; 1 is the `meta` range. */
export type RangeId = Brand<number, 'RangeId'>;
/** A keyspace. 0 is the system keyspace (`meta` range), 1 is `default`. 0 .. 2^32-1. */
export type KeyspaceId = Brand<number, 'KeyspaceId'>;
/** Hybrid logical clock reading in 53 bits: milliseconds since 2026-01-01 x 4096 + logical. See ADR 0004. */
export type Revision = Brand<number, 'Revision'>;

export const nodeId = (value: number): NodeId => value as NodeId;
export const rangeId = (value: number): RangeId => value as RangeId;
export const keyspaceId = (value: number): KeyspaceId => value as KeyspaceId;
export const revision = (value: number): Revision => value as Revision;
