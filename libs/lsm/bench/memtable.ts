/**
 * The two ordered structures that a memtable could be made of, on the same arena of records: the B+tree that
 * is used, and a skip list in typed arrays (Pugh 1990, branching 1/4).
 *
 *     node --conditions=source libs/lsm/bench/memtable.ts [--keys 1000000] [--rounds 3]
 */
import { parseArgs } from 'node:util';
import { Prng, randomInteger } from '@holdfast/io';
import { Arena } from '../src/memtable/arena.ts';
import { RECORD_HEAD_BYTES } from '../src/memtable/record.ts';
import { RecordTree } from '../src/memtable/record-tree.ts';
import { WriteBatch } from '../src/memtable/write-batch.ts';

const HEIGHT_MAX = 12;

class SkipList {
  readonly #bytes: Uint8Array;
  readonly #words: Uint32Array;
  readonly #random = new Prng(7);
  /** Of each node: address, height, next[height]. Node 0 is the head. */
  #nodes = new Uint32Array(1 << 20);
  #top = HEIGHT_MAX + 2;
  readonly #path = new Uint32Array(HEIGHT_MAX);

  constructor(arena: Arena) {
    this.#bytes = arena.bytes;
    this.#words = arena.words;
  }

  insert(address: number): void {
    const start = address + RECORD_HEAD_BYTES;
    this.#descend(this.#bytes, start, start + this.#words[address >>> 2]!);
    let height = 1;
    while (height < HEIGHT_MAX && (this.#random.nextU32() & 3) === 0) height++;
    const node = this.#top;
    this.#top += height + 2;
    if (this.#top > this.#nodes.length) {
      const grown = new Uint32Array(this.#nodes.length * 2);
      grown.set(this.#nodes);
      this.#nodes = grown;
    }
    this.#nodes[node] = address;
    this.#nodes[node + 1] = height;
    for (let level = 0; level < height; level++) {
      const before = this.#path[level]! + 2 + level;
      this.#nodes[node + 2 + level] = this.#nodes[before]!;
      this.#nodes[before] = node;
    }
  }

  find(key: Uint8Array): number {
    const next = this.#nodes[this.#descend(key, 0, key.length) + 2]!;
    return next === 0 ? 0 : this.#nodes[next]!;
  }

  #descend(key: Uint8Array, start: number, end: number): number {
    let node = 0;
    for (let level = HEIGHT_MAX - 1; level >= 0; level--) {
      for (;;) {
        const next = this.#nodes[node + 2 + level]!;
        if (next === 0 || this.#compare(this.#nodes[next]!, key, start, end) >= 0) break;
        node = next;
      }
      this.#path[level] = node;
    }
    return node;
  }

  #compare(address: number, key: Uint8Array, start: number, end: number): number {
    const length = this.#words[address >>> 2]!;
    const base = address + RECORD_HEAD_BYTES;
    const common = Math.min(length, end - start);
    for (let i = 0; i < common; i++) {
      const difference = this.#bytes[base + i]! - key[start + i]!;
      if (difference !== 0) return difference;
    }
    return length - (end - start);
  }
}

const { values: args } = parseArgs({
  options: { keys: { type: 'string', default: '1000000' }, rounds: { type: 'string', default: '3' } },
});
const count = Number(args.keys);
const random = new Prng(3);
const arena = new Arena(count * 36 + 1_024);
const batch = new WriteBatch();
const addresses: number[] = [];
const keys: Uint8Array[] = [];
for (let i = 0; i < count; i++) {
  const key = new TextEncoder().encode(String(randomInteger(random, 0, 4e9)).padStart(16, '0'));
  keys.push(key);
  batch.clear();
  batch.put(key, i, new Uint8Array(0));
  addresses.push(arena.append(batch.encoded()));
}
const probes = Array.from({ length: count }, () => keys[randomInteger(random, 0, count - 1)]!);

function time(name: string, ops: number, run: () => void): void {
  const start = performance.now();
  run();
  console.log(`${name.padEnd(20)} ${(((performance.now() - start) * 1e3) / ops).toFixed(3)} us`);
}

for (let round = 0; round < Number(args.rounds); round++) {
  const list = new SkipList(arena);
  time('skip list insert', count, () => {
    for (const address of addresses) list.insert(address);
  });
  time('skip list get', count, () => {
    for (const key of probes) if (list.find(key) === 0) throw new Error('not found');
  });
  const tree = new RecordTree(arena.bytes, arena.words);
  time('B+tree insert', count, () => {
    for (const address of addresses) tree.insert(address);
  });
  const place = { leaf: 0, index: 0 };
  time('B+tree get', count, () => {
    for (const key of probes) if (!tree.seek(place, key, 0, key.length, count)) throw new Error('not found');
  });
  console.log(`B+tree nodes: ${(tree.nodeBytes / count).toFixed(1)} bytes a record`);
}
