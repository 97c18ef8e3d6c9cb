import { assert, BLOOM_LINE_BYTES, crc32 } from '@holdfast/io';
import type { ByteKernels } from './byte-kernels.ts';
import { KERNELS_WASM } from './generated/kernels-wasm.ts';

/** What `kernels/kernels.ts` exports. */
interface KernelExports {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number };
  heapBase(): number;
  compare(a: number, aLength: number, b: number, bLength: number): number;
  crc32(bytes: number, length: number, seed: number, tables: number): number;
  hashKeys(keys: number, offsets: number, count: number, hashes: number): void;
  fillBloom(hashes: number, count: number, filter: number, lines: number, probes: number): void;
  probeBloom(
    hashes: number,
    count: number,
    filter: number,
    lines: number,
    probes: number,
    answers: number,
  ): void;
}

/** The little of the JavaScript API that is used here; the compiler's libraries have it with the DOM only. */
declare const WebAssembly: {
  validate(bytes: Uint8Array): boolean;
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
};

const PAGE_BYTES = 65_536;
const CRC_TABLE_BYTES = 8 * 256 * 4;

/**
 * The kernels in WebAssembly with SIMD. The module works in a memory of its own, so each call copies what it
 * needs in and the result out: it pays for work on many bytes per byte copied, and ADR 0015 says which.
 */
export class WasmByteKernels implements ByteKernels {
  readonly #exports: KernelExports;
  readonly #tables: number;
  readonly #base: number;
  #bytes: Uint8Array;

  private constructor(exports: KernelExports) {
    this.#exports = exports;
    this.#tables = align(exports.heapBase());
    this.#base = this.#tables + CRC_TABLE_BYTES;
    this.#bytes = new Uint8Array(exports.memory.buffer);
    this.#reserve(PAGE_BYTES);
    writeCrcTables(new Uint32Array(exports.memory.buffer, this.#tables, CRC_TABLE_BYTES / 4));
  }

  /** Undefined where the engine has no WebAssembly SIMD. */
  static create(): WasmByteKernels | undefined {
    const bytes = Buffer.from(KERNELS_WASM, 'base64');
    if (!WebAssembly.validate(bytes)) return undefined;
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes));
    return new WasmByteKernels(exports as KernelExports);
  }

  compare(a: Uint8Array, b: Uint8Array): number {
    const second = align(this.#base + a.length);
    this.#reserve(second + b.length);
    this.#bytes.set(a, this.#base);
    this.#bytes.set(b, second);
    return this.#exports.compare(this.#base, a.length, second, b.length);
  }

  crc32(bytes: Uint8Array, seed: number): number {
    this.#reserve(this.#base + bytes.length);
    this.#bytes.set(bytes, this.#base);
    return this.#exports.crc32(this.#base, bytes.length, seed, this.#tables) >>> 0;
  }

  hashKeys(keys: Uint8Array, offsets: Uint32Array, count: number, hashes: Uint32Array): void {
    const end = count === 0 ? 0 : (offsets[count] ?? 0);
    assert(end <= keys.length, 'offsets lie within the keys');
    const offsetsAt = align(this.#base + end);
    const hashesAt = align(offsetsAt + (count + 1) * 4);
    this.#reserve(hashesAt + count * 4);
    this.#bytes.set(keys.subarray(0, end), this.#base);
    this.#words(offsetsAt, count + 1).set(offsets.subarray(0, count + 1));
    this.#exports.hashKeys(this.#base, offsetsAt, count, hashesAt);
    hashes.set(this.#words(hashesAt, count));
  }

  fillBloom(hashes: Uint32Array, count: number, filter: Uint8Array, probes: number): void {
    const filterAt = align(this.#base + count * 4);
    this.#reserve(filterAt + filter.length);
    this.#words(this.#base, count).set(hashes.subarray(0, count));
    this.#bytes.set(filter, filterAt);
    this.#exports.fillBloom(this.#base, count, filterAt, filter.length / BLOOM_LINE_BYTES, probes);
    filter.set(this.#bytes.subarray(filterAt, filterAt + filter.length));
  }

  probeBloom(
    hashes: Uint32Array,
    count: number,
    filter: Uint8Array,
    probes: number,
    answers: Uint8Array,
  ): void {
    const filterAt = align(this.#base + count * 4);
    const answersAt = filterAt + filter.length;
    this.#reserve(answersAt + count);
    this.#words(this.#base, count).set(hashes.subarray(0, count));
    this.#bytes.set(filter, filterAt);
    this.#exports.probeBloom(
      this.#base,
      count,
      filterAt,
      filter.length / BLOOM_LINE_BYTES,
      probes,
      answersAt,
    );
    answers.set(this.#bytes.subarray(answersAt, answersAt + count));
  }

  /** For measurements: the module itself, and its memory from the first free byte on. */
  get resident(): { readonly exports: KernelExports; readonly base: number; readonly tables: number } {
    return { exports: this.#exports, base: this.#base, tables: this.#tables };
  }

  #words(at: number, length: number): Uint32Array {
    return new Uint32Array(this.#bytes.buffer, at, length);
  }

  #reserve(end: number): void {
    const missing = end - this.#bytes.length;
    if (missing <= 0) return;
    this.#exports.memory.grow(Math.ceil(missing / PAGE_BYTES));
    this.#bytes = new Uint8Array(this.#exports.memory.buffer);
  }
}

function align(offset: number): number {
  return (offset + 15) & ~15;
}

/** Table 0 is the CRC of one byte; table n that of the byte and n zero bytes behind it. */
function writeCrcTables(tables: Uint32Array): void {
  for (let byte = 0; byte < 256; byte++) {
    const bytes = Uint8Array.of(byte, 0, 0, 0, 0, 0, 0, 0);
    for (let table = 0; table < 8; table++) {
      // Without the inversions at both ends of the whole sum: a table holds a difference.
      const zeros = new Uint8Array(table + 1);
      tables[table * 256 + byte] = crc32(bytes, 0, table + 1) ^ crc32(zeros);
    }
  }
}
