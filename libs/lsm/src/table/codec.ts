/** Name of a block compression, as in options and properties. */
export type Compression = 'none' | 'lz4' | 'zstd';

/** Ids as stored in a block's trailer. Never renumbered. */
export const COMPRESSION_IDS: Readonly<Record<Compression, number>> = { none: 0, lz4: 1, zstd: 2 };

/** A block compression that the world provides (`io-node`); this package has none of its own. */
export interface BlockCodec {
  readonly name: Exclude<Compression, 'none'>;
  /** Compresses `input`; undefined when the result would not be smaller than `bytesMax`. */
  compress(input: Uint8Array, bytesMax: number): Uint8Array | undefined;
  /** Fills `output`, which has exactly the original length. False when the input is damaged. */
  decompress(input: Uint8Array, output: Uint8Array): boolean;
}
