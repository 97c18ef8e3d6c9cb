import { assert } from '@holdfast/io';
import { OrderedRecords } from '../memtable/ordered-records.ts';
import { Merge } from '../read/merge.ts';
import type { Compression } from '../table/codec.ts';
import { TABLE_BYTES_MAX } from '../table/table-format.ts';
import type { RangeTombstone } from '../version/range-tombstones.ts';
import type { CompactionResult, CompactionWorld } from './compaction-job.ts';
import { VersionFilter } from './version-filter.ts';
import { writeRun } from './write-run.ts';

/** A full memtable to write as tables of level 0. */
export interface FlushJob {
  readonly directory: string;
  /** The memtable's records: memory of the tree that stays as it is until the job ends; another thread may read it. */
  readonly records: Uint8Array<SharedArrayBuffer>;
  /** How many records are to be written. */
  readonly count: number;
  /** Their addresses in `records`, in key order, in parts. To be walked once. */
  readonly order: Iterable<Uint32Array>;
  readonly horizon: number;
  readonly rangeTombstones: readonly RangeTombstone[];
  readonly blockBytes: number;
  readonly restartInterval: number;
  readonly bloomBitsPerKey: number;
  readonly compression: Compression;
  /** File numbers `numberFirst .. numberFirst + numberCount - 1` are for this job. */
  readonly numberFirst: number;
  readonly numberCount: number;
  /** Binding of the file with number n is `bindingBase + n`. */
  readonly bindingBase: number;
}

/** Does the job: the same tables as a flush on the tree's own thread. @throws DiskError; files made are orphans. */
export function runFlush(job: FlushJob, world: CompactionWorld): Promise<CompactionResult> {
  const { disk, kernels, codecs, onWritten } = world;
  const merge = new Merge([new OrderedRecords(job.records, job.order)]);
  let number = job.numberFirst;
  return writeRun(merge, new VersionFilter(job.horizon, job.rangeTombstones, () => false), {
    disk,
    kernels,
    directory: job.directory,
    table: { ...job, codec: codecs.find(({ name }) => name === job.compression) },
    fileBytesTarget: TABLE_BYTES_MAX / 2,
    nextNumber: () => {
      assert(number < job.numberFirst + job.numberCount, 'a job has numbers enough for its tables');
      return number++;
    },
    bindingOf: (fileNumber) => job.bindingBase + fileNumber,
    pace: (bytes) => {
      onWritten?.(bytes);
      return undefined;
    },
  });
}
