/** The load of a usual day: up, steady, down. */
import type { Options } from 'k6/options';
import { mix, THRESHOLDS } from './mix.ts';

export const options: Options = {
  stages: [
    { duration: '30s', target: 64 },
    { duration: '2m', target: 64 },
    { duration: '15s', target: 0 },
  ],
  thresholds: THRESHOLDS,
};
export default mix;
