import { kernelsConformance } from '@holdfast/io/conformance';
import { hostKernels } from './host-kernels.ts';

kernelsConformance('hostKernels', hostKernels);
