import { clockConformance, realTime } from '@holdfast/io/conformance';
import { SystemClock } from './system-clock.ts';

clockConformance('SystemClock', () => ({ ...realTime, clock: new SystemClock() }));
