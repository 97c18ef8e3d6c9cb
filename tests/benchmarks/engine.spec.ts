import { describe, expect, it } from 'vitest';
import { parseArguments } from '../../benchmarks/engine/arguments.ts';
import { benchmarkOf, parseProgram } from '../../benchmarks/engine/db-bench.ts';
import type { JobResult } from '../../benchmarks/engine/job.ts';
import {
  drawn,
  KEY_BYTES,
  MISSING_FROM,
  shuffled,
  writeAnyKey,
  writeKey,
} from '../../benchmarks/engine/keys.ts';
import { pageOf } from '../../benchmarks/engine/page.ts';
import { compare } from '../../benchmarks/engine/report.ts';
import { WORKLOADS } from '../../benchmarks/engine/workloads.ts';

const workload = (name: string): (typeof WORKLOADS)[number] => {
  const found = WORKLOADS.find((each) => each.name === name);
  if (found === undefined) throw new Error(name);
  return found;
};
const keyOf = (number: number, write = writeKey): string => {
  const key = new Uint8Array(KEY_BYTES);
  write(key, number);
  return new TextDecoder().decode(key);
};
const result = (figure: number): JobResult => ({
  operations: 100,
  seconds: 1,
  figure,
  cpuSeconds: 1,
  rssBytesMax: 2 ** 20,
  facts: {},
});

describe('bench:engine', () => {
  it('reads what db_bench of RocksDB and of LevelDB print', () => {
    const rocks = `DB path: [/tmp/x]
fillrandom   :       2.512 micros/op 398089 ops/sec 2.512 seconds 1000000 operations;   44.0 MB/s
readrandom   :       1.838 micros/op 544069 ops/sec 1.838 seconds 1000000 operations;   60.2 MB/s (1000000 of 1000000 found)`;
    expect(parseProgram(rocks, 'readrandom')).toBe(544_069);
    expect(parseProgram('fillrandom   :       3.125 micros/op;   35.4 MB/s', 'fillrandom')).toBe(320_000);
    expect(parseProgram(rocks, 'readseq')).toBeUndefined();
  });

  it('asks the programs for what a workload is', () => {
    const batches = workload('fillrandom, batch 100');
    expect(benchmarkOf('rocksdb-db_bench', batches, 1_000, 1_000)).toEqual({
      names: ['fillrandom'],
      flags: ['--num=1000', '--batch_size=100'],
    });
    expect(benchmarkOf('leveldb-db_bench', batches, 1_000, 1_000)).toBeUndefined();
    expect(benchmarkOf('leveldb-db_bench', workload('fillrandom, sync'), 1_000, 4)?.flags).toEqual([
      '--num=4000',
    ]);
    expect(benchmarkOf('rocksdb-db_bench', workload('seekrandom, 100 next'), 1_000, 50)).toEqual({
      names: ['seekrandom'],
      flags: ['--num=1000', '--reads=50', '--seek_nexts=100'],
    });
  });

  it('makes keys in order, each once, and some that are not there', () => {
    expect(keyOf(0)).toBe('0000000000000000');
    expect(keyOf(1_234_567)).toBe('0000000001234567');
    expect([...shuffled(1_000, 1)].toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 1_000 }, (_, i) => i),
    );
    const there = new Set(Array.from({ length: 1_000 }, (_, i) => keyOf(i)));
    for (const number of drawn(1_000, 1_000, 2)) {
      expect(there.has(keyOf(number))).toBe(true);
      expect(there.has(keyOf(MISSING_FROM + number, writeAnyKey))).toBe(false);
    }
  });

  it('compares medians, and lower figures where less is better', () => {
    const gets = compare(workload('readrandom'), 'lmdb', [1, 5, 3].map(result), [2, 1.5, 9].map(result));
    expect(gets.row).toEqual({
      workload: 'readrandom',
      ours: 3,
      peer: 2,
      peerName: 'lmdb',
      ratio: 1.5,
      unit: 'ops/s',
    });
    const stalls = workload('event loop held at p99.9, flush and compaction');
    expect(compare(stalls, 'bar', [result(2)], [5]).row).toMatchObject({ ratio: 2.5, unit: 'ms' });
  });

  it('names every workload once, and gives each a peer', () => {
    expect(new Set(WORKLOADS.map(({ name }) => name)).size).toBe(WORKLOADS.length);
    for (const { peers } of WORKLOADS) expect(peers.length).toBeGreaterThan(0);
  });

  it('says how much ours wrote for each byte, where it compacted any', () => {
    const flushed = { ...result(1), facts: { writeAmplification: 2.5 } };
    const idle = { ...result(1), facts: { writeAmplification: 1 } };
    expect(compare(workload('fillseq'), 'lmdb', [flushed, idle], [1]).writeAmplification).toBe(2.5);
    expect(compare(workload('fillseq'), 'lmdb', [idle], [1]).writeAmplification).toBeUndefined();
  });

  it('keeps what people wrote on its page', () => {
    const machine = {
      cpu: 'c',
      cores: 2,
      memoryGib: 1,
      kernel: 'k',
      node: 'n',
      loadAverage: [0],
      directoryType: 'ext4',
    };
    const facts = {
      command: 'x',
      date: '2026-11-01',
      entries: 10,
      rounds: 1,
      minutes: 1,
      before: machine,
      after: machine,
      programs: [],
      missingPrograms: [],
    };
    const first = pageOf(facts, [], '');
    expect(pageOf(facts, [], `${first}\nIn the cache misses.\n`)).toBe(`${first}\nIn the cache misses.\n`);
  });

  it('refuses arguments that it does not know', () => {
    expect(() => parseArguments(['--fast'])).toThrow('--fast');
    expect(() => parseArguments(['--rounds', '0'])).toThrow('--rounds');
    expect(parseArguments(['--quick'])).toMatchObject({ entries: 100_000, rounds: 1 });
  });
});
