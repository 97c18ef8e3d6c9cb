/** More and more, far beyond what one machine serves: answers get slow or 429, none is wrong, and it recovers. */
import type { Options } from 'k6/options';
import { mix } from './mix.ts';

export const options: Options = {
  stages: [
    { duration: '1m', target: 128 },
    { duration: '1m', target: 512 },
    { duration: '1m', target: 1024 },
    { duration: '30s', target: 16 },
    { duration: '30s', target: 16 },
  ],
  thresholds: { checks: ['rate>0.95'] },
};
export default mix;
