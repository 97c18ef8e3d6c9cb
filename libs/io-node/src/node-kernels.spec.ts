import { pureKernels } from '@holdfast/io';
import { kernelsConformance } from '@holdfast/io/conformance';
import { nodeKernels } from './node-kernels.ts';

kernelsConformance('nodeKernels', nodeKernels);
kernelsConformance('pureKernels', pureKernels);
