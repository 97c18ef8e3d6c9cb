/**
 * `FileDisk` through its contract: synced writes with and without the log writer's thread, by how many are in
 * flight; and three ways to read 4 KiB from the page cache.
 * Run: `node --conditions=source libs/io-node/bench/disk.bench.ts [directory]`
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type DiskFile, Prng, randomInteger } from '@holdfast/io';
import { FileDisk } from '../src/file-disk.ts';
import { LogWriter } from '../src/threads/log-writer.ts';
import { type Contestant, compare, printMachine, timed, timedLoop } from './report.ts';

const FILE_BYTES = 32 * 1024 * 1024;
const BLOCK_BYTES = 4096;

const directory = process.argv[2] ?? '.';
printMachine('FileDisk');
const logWriter = new LogWriter();
const pooled = await zeroFilled(new FileDisk(), 'disk.bench.tmp.a');
const threaded = await zeroFilled(new FileDisk(logWriter), 'disk.bench.tmp.b');
for (const inFlight of [1, 4, 16, 64]) {
  await compare(
    `4 KiB written and synced, ${inFlight} in flight: time of one`,
    [writes('libuv, O_DSYNC', pooled, inFlight), writes("the log writer's thread", threaded, inFlight)],
    5,
    Math.ceil(200 / inFlight) + 10,
  );
}
await compare('4 KiB read from the page cache', reads(pooled), 5, 2_000);
await pooled.close();
await threaded.close();
await logWriter.close();
for (const name of ['disk.bench.tmp.a', 'disk.bench.tmp.b']) rmSync(join(directory, name));

async function zeroFilled(disk: FileDisk, name: string): Promise<DiskFile> {
  const file = await disk.open(join(directory, name), 'if-missing');
  await file.allocate(FILE_BYTES);
  await file.sync();
  return file;
}

function writes(name: string, file: DiskFile, inFlight: number): Contestant {
  const block = new Uint8Array(BLOCK_BYTES).fill(7);
  let next = 0;
  const one = timed(() => {
    const offset = (next++ * BLOCK_BYTES) % FILE_BYTES;
    return file.write([block], offset, true);
  });
  const lane = async (count: number): Promise<readonly number[]> => one(count);
  return {
    name,
    run: async (count) => {
      const times = await Promise.all(Array.from({ length: inFlight }, () => lane(count)));
      return times.flat();
    },
  };
}

function reads(file: DiskFile): readonly Contestant[] {
  const random = new Prng(1);
  const target = new Uint8Array(BLOCK_BYTES);
  const mapped = file.map();
  const offset = (): number => randomInteger(random, 0, FILE_BYTES / BLOCK_BYTES - 1) * BLOCK_BYTES;
  let sum = 0;
  const contestants: Contestant[] = [
    { name: 'read (one in flight)', run: timed(() => file.read(target, offset())) },
    {
      name: 'readSync',
      run: timedLoop((count) => {
        for (let i = 0; i < count; i++) file.readSync(target, offset());
      }),
    },
  ];
  if (mapped !== undefined) {
    contestants.push(
      {
        name: 'map, copied out',
        run: timedLoop((count) => {
          for (let i = 0; i < count; i++) {
            const start = offset();
            target.set(mapped.subarray(start, start + BLOCK_BYTES));
          }
        }),
      },
      {
        name: 'map, one byte touched',
        run: timedLoop((count) => {
          for (let i = 0; i < count; i++) sum += mapped[offset()] ?? 0;
        }),
      },
    );
  }
  if (sum > 0) throw new Error('the file is full of zeros');
  return contestants;
}
