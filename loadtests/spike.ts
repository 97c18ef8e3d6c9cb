/** A crowd that comes at once and leaves at once. */
import type { Options } from 'k6/options';
import { mix } from './mix.ts';

export const options: Options = {
  stages: [
    { duration: '15s', target: 8 },
    { duration: '2s', target: 512 },
    { duration: '30s', target: 512 },
    { duration: '2s', target: 8 },
    { duration: '30s', target: 8 },
  ],
  thresholds: { checks: ['rate>0.95'] },
};
export default mix;
