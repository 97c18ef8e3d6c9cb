/**
 * Each kernel in TypeScript, in WebAssembly with its data copied in and out, and in WebAssembly on data that
 * is in its memory already. Run: `node libs/io-node/bench/kernels.bench.ts` with `--conditions=source`.
 */
import { crc32 as zlibCrc32 } from 'node:zlib';
import { BLOOM_LINE_BYTES, compareBytes, pureKernels } from '@holdfast/io';
import { pureByteKernels as pure } from '../src/kernels/pure-byte-kernels.ts';
import { WasmByteKernels } from '../src/kernels/wasm-byte-kernels.ts';
import { type Contestant, compare, printMachine, timedLoop } from './report.ts';

const ROUNDS = 9;
const KEYS = 20_000;
const PROBES = 7;

const wasm = WasmByteKernels.create();
if (wasm === undefined) throw new Error('no WebAssembly SIMD here');
const { exports: raw, base, tables } = wasm.resident;
let sink = 0;

printMachine('kernels');
for (const length of [16, 32, 48, 64, 96, 128, 256, 384, 512, 1024, 4096]) await crcOf(length);
for (const length of [16, 32, 64, 256]) await compareOf(length);
await hashes(16);
await hashes(23);
await bloom();
if (Number.isNaN(sink)) console.log(sink);

function loop(name: string, work: (i: number) => number, scale = 1): Contestant {
  const run = timedLoop((count) => {
    for (let i = 0; i < count; i++) sink += work(i);
  });
  return { name, run: async (count) => (await run(count)).map((us) => us / scale) };
}

/** Of a part of a larger buffer, as the log asks for it: the two that want a view have to make one. */
async function crcOf(length: number): Promise<void> {
  const buffer = new Uint8Array(65_536).map((_, i) => i * 31);
  const view = (i: number): Uint8Array => buffer.subarray(i & 4095, (i & 4095) + length);
  wasm?.crc32(buffer, 0);
  await compare(
    `crc32 of ${length} bytes`,
    [
      loop('TypeScript', (i) => pureKernels.crc32(buffer, i & 4095, (i & 4095) + length, 0)),
      loop('zlib', (i) => zlibCrc32(view(i))),
      loop('WebAssembly, copied', (i) => wasm?.crc32(view(i), 0) ?? 0),
      loop('WebAssembly, resident', (i) => raw.crc32(base + (i & 4095), length, 0, tables)),
    ],
    3 * ROUNDS,
    10_000,
  );
}

/** Keys that differ in the last byte: what neighbours in a sorted run look like. */
async function compareOf(length: number): Promise<void> {
  const a = new Uint8Array(length).fill(7);
  const b = Uint8Array.from(a);
  b[length - 1] = 8;
  wasm?.compare(a, b);
  await compare(
    `comparing two keys of ${length} bytes`,
    [
      loop('TypeScript', () => compareBytes(a, b)),
      loop('Buffer.compare', () => Buffer.compare(a, b)),
      loop('WebAssembly, copied', () => wasm?.compare(a, b) ?? 0),
      loop('WebAssembly, resident', () => raw.compare(base, length, base + length, length)),
    ],
    3 * ROUNDS,
    10_000,
  );
}

async function hashes(keyLength: number): Promise<void> {
  const keys = new Uint8Array(KEYS * keyLength).map((_, i) => i * 13);
  const offsets = Uint32Array.from({ length: KEYS + 1 }, (_, i) => i * keyLength);
  const out = new Uint32Array(KEYS);
  wasm?.hashKeys(keys, offsets, KEYS, out);
  const offsetsAt = (base + keys.length + 15) & ~15;
  const hashesAt = (offsetsAt + offsets.byteLength + 15) & ~15;
  await compare(
    `hashing ${KEYS} keys of ${keyLength} bytes: time of one key`,
    [
      loop('TypeScript', () => (pure.hashKeys(keys, offsets, KEYS, out), 0), KEYS),
      loop('WebAssembly, copied', () => (wasm?.hashKeys(keys, offsets, KEYS, out), 0), KEYS),
      loop('WebAssembly, resident', () => (raw.hashKeys(base, offsetsAt, KEYS, hashesAt), 0), KEYS),
    ],
    ROUNDS,
    10,
  );
}

async function bloom(): Promise<void> {
  const hashesOf = Uint32Array.from({ length: KEYS }, (_, i) => Math.imul(i + 1, 0x9e3779b1) >>> 0);
  const lines = Math.ceil((KEYS * 10) / 512);
  const filter = new Uint8Array(lines * BLOOM_LINE_BYTES);
  const answers = new Uint8Array(KEYS);
  wasm?.probeBloom(hashesOf, KEYS, filter, PROBES, answers);
  const filterAt = (base + KEYS * 4 + 15) & ~15;
  await compare(
    `filling a bloom filter with ${KEYS} hashes: time of one`,
    [
      loop('TypeScript', () => (pure.fillBloom(hashesOf, KEYS, filter, PROBES), 0), KEYS),
      loop('WebAssembly, copied', () => (wasm?.fillBloom(hashesOf, KEYS, filter, PROBES), 0), KEYS),
      loop('WebAssembly, resident', () => (raw.fillBloom(base, KEYS, filterAt, lines, PROBES), 0), KEYS),
    ],
    ROUNDS,
    10,
  );
  for (const count of [100, KEYS]) {
    const at = filterAt + filter.length;
    await compare(
      `asking a bloom filter of ${filter.length} bytes for ${count} hashes: time of one`,
      [
        loop('TypeScript', () => (pure.probeBloom(hashesOf, count, filter, PROBES, answers), 0), count),
        loop(
          'WebAssembly, copied',
          () => (wasm?.probeBloom(hashesOf, count, filter, PROBES, answers), 0),
          count,
        ),
        loop(
          'WebAssembly, resident',
          () => (raw.probeBloom(base, count, filterAt, lines, PROBES, at), 0),
          count,
        ),
      ],
      ROUNDS,
      count === KEYS ? 10 : 1_000,
    );
  }
}
