import { SimDisk } from '@holdfast/sim';
import { pureKernels } from '@holdfast/io';
import { compactorConformance } from '../../conformance/index.ts';
import { InlineCompactor } from './compaction-job.ts';

compactorConformance('InlineCompactor, simulated', async () => {
  const disk = new SimDisk({ seed: 1 });
  const compactor = new InlineCompactor({ disk, kernels: pureKernels, codecs: [] });
  return { disk, directory: '/tree', codecs: [], compactor, end: async () => undefined };
});
